// Starts the origin as a child process, so that it can be killed and restarted.

import { fileURLToPath } from 'node:url'
import { Child } from './child.ts'
import { edgeUrl, originUrl, type Place } from './settings.ts'

interface OriginProcessOptions {
  /** Push to the place's edge. Default true. */
  push?: boolean
}

export async function startOrigin(place: Place, options: OriginProcessOptions = {}): Promise<Child> {
  const entry = fileURLToPath(new URL('origin.ts', import.meta.url))
  const origin = new Child('origin', process.execPath, ['--import', import.meta.resolve('tsx'), entry], {
    PORTCULLIS_PORT: String(place.originPort),
    PORTCULLIS_DATA: place.folder,
    PORTCULLIS_EDGE_URL: edgeUrl(place),
    PORTCULLIS_PUSH_URL: options.push === false ? '' : `${edgeUrl(place)}/portcullis/feed`,
  })
  await origin.ready(`${originUrl(place)}/healthz`)
  return origin
}
