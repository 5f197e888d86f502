// The demo's worker, and the same handler without protection.

import type { Accepted } from 'portcullis/edge'
import { whoami } from '../../../www/demo/whoami.ts'
import demo from '../../../www/demo/worker.ts'

type Rest = [Parameters<typeof demo.fetch>[1], Parameters<typeof demo.fetch>[2]]

/**
 * The verdict for the unprotected handler: the first one of the protected handler, so that both return the same bytes.
 */
let told: Accepted | undefined

export default {
  async fetch(request: Request, ...rest: Rest): Promise<Response> {
    if (!request.url.endsWith('/open')) return demo.fetch(request, ...rest)
    told ??= await learn(request, rest)
    // The demo's routes.
    switch (URL.parse(request.url)?.pathname) {
      case '/open':
        return shared(whoami(request, rest[0], rest[1], told))
      default:
        return Response.json({ error: 'not_found' }, { status: 404 })
    }
  },
}

/** Sets the CORS headers that `protect` would set. */
function shared(response: Response): Response {
  response.headers.set('access-control-allow-origin', '*')
  response.headers.set('access-control-expose-headers', 'WWW-Authenticate')
  return response
}

async function learn(request: Request, rest: Rest): Promise<Accepted> {
  const answer = await demo.fetch(new Request(new URL('/api/whoami', request.url), request), ...rest)
  if (!answer.ok) throw new Error(`the protected handler returned ${answer.status}`)
  return {
    ok: true,
    header: { alg: '' },
    realm: 'acme',
    ...((await answer.json()) as Pick<Accepted, 'claims' | 'sequence'>),
  }
}
