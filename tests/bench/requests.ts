// The cost of protection in a worker: requests per second of the demo's worker, divided by those of the same handler
// without protection.

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from '../../www/demo/client.ts'
import { edgeBindings } from '../../www/demo/edge.ts'
import { edgeUrl } from '../../www/demo/settings.ts'
import { startOrigin } from '../../www/demo/start-origin.ts'
import { serveWorker } from '../../www/demo/workerd.ts'
import { openPlace } from '../place.ts'
import type { Load, Throughput } from './child/load.ts'
import { program } from './program.ts'
import { inTurns, line, OURS } from './race.ts'
import type { Bench } from './run.ts'

const CONNECTIONS = 16
const LOGINS = 64
const REQUESTS = 8_000
const BEFORE = 2_000

export const requests: Bench = {
  names: ['edge_requests'],
  async *run() {
    const place = await openPlace()
    try {
      place.children.push(await startOrigin(place))
      const worker = await serveWorker({
        name: 'edge worker',
        entry: fileURLToPath(new URL('worker/requests.ts', import.meta.url)),
        folder: join(place.folder, 'edge'),
        port: place.edgePort,
        bindings: await edgeBindings(place),
        readyPath: '/portcullis/status',
      })
      place.children.push(worker)
      const client = new Client(place)
      const tokens: string[] = []
      for (let login = 0; login < LOGINS; login += 1) tokens.push((await client.logIn('alice')).access_token)
      const figures = await inTurns(['/api/whoami', '/open'], async (path) => {
        const requests: Load['requests'] = tokens.map((token) => ({
          method: 'GET',
          path,
          headers: { authorization: `Bearer ${token}` },
        }))
        const load: Load = { url: edgeUrl(place), connections: CONNECTIONS, amount: REQUESTS, before: BEFORE, requests }
        return (await program<Throughput>('load.ts', load)).requestsPerSecond
      })
      const [guarded = Number.NaN, open = Number.NaN] = [figures['/api/whoami'], figures['/open']]
      yield line('edge_requests', 'workerd', 'ratio', { [OURS]: guarded / open })
    } finally {
      await place.close()
    }
  },
}
