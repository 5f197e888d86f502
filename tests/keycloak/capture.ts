// A server that collects Keycloak's messages by the last segment of their paths.

import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { pause } from '../../www/demo/child.ts'

const LIMIT_SECONDS = 20

export interface Capture {
  readonly url: string
  /** Resolves with the tokens sent to a path once there are `count`. */
  tokens(path: string, count: number): Promise<string[]>
  close(): void
}

export async function openCapture(): Promise<Capture> {
  const kept = new Map<string, string[]>()
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const path = request.url?.split('/').at(-1) ?? ''
      kept.set(path, [...(kept.get(path) ?? []), new URLSearchParams(body).get('logout_token') ?? body])
      response.writeHead(path === 'events' ? 202 : 200).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    async tokens(path, count) {
      const deadline = Date.now() + LIMIT_SECONDS * 1000
      for (;;) {
        const found = kept.get(path) ?? []
        if (found.length >= count) return found
        if (Date.now() > deadline) throw new Error(`Keycloak sent ${found.length} messages to ${path}, not ${count}`)
        await pause(50)
      }
    },
    close: () => void server.close(),
  }
}
