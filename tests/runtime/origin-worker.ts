// An origin inside a worker: POST its options first, then use its routes.

import { createOrigin, type Origin, type OriginOptions } from 'portcullis/origin'
import { memoryStore } from 'portcullis/origin/memory'

let origin: Origin | undefined

export default {
  async fetch(request: Request): Promise<Response> {
    if (origin !== undefined) return origin.fetch(request)
    if (request.method !== 'POST') return new Response('post the options')
    origin = await createOrigin({ ...((await request.json()) as OriginOptions), store: memoryStore() })
    return Response.json(origin.status())
  },
}
