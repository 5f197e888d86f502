// Starts the edge worker.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Child } from './child.ts'
import { openSecrets } from './secrets.ts'
import { originUrl, type Place } from './settings.ts'
import { serveWorker } from './workerd.ts'

export async function startEdge(place: Place): Promise<Child> {
  return serveWorker({
    name: 'edge worker',
    entry: fileURLToPath(new URL('worker.ts', import.meta.url)),
    folder: join(place.folder, 'edge'),
    port: place.edgePort,
    bindings: await edgeBindings(place),
    readyPath: '/portcullis/status',
  })
}

/** Returns the worker's text bindings. The place's origin must have been started once before. */
export async function edgeBindings(place: Place): Promise<Record<string, string>> {
  const publicKey: unknown = JSON.parse(await readFile(join(place.folder, 'feed-key.public.json'), 'utf8'))
  const { edgeSecret, inhouseKey } = await openSecrets(place.folder)
  return {
    ORIGIN: originUrl(place),
    FEED_KEYS: JSON.stringify([publicKey]),
    EDGE_SECRET: edgeSecret,
    INHOUSE_KEY: JSON.stringify(inhouseKey),
  }
}
