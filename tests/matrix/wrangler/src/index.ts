import { createGate } from 'portcullis/edge'

interface Env {
  GATE_OPTIONS: string
}

const gate = createGate((env: Env) => JSON.parse(env.GATE_OPTIONS))
const read = gate.protect((_request, _env, _ctx, auth) => Response.json({ sub: auth.claims.sub }), { scope: ['read'] })
const write = gate.protect((_request, _env, _ctx, auth) => Response.json({ sub: auth.claims.sub }), {
  scope: ['write'],
})

export default {
  async fetch(request: Request, env: Env, ctx: { waitUntil(promise: Promise<unknown>): void }): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (pathname === '/read') return read(request, env, ctx)
    if (pathname === '/write') return write(request, env, ctx)
    return new Response('Not found', { status: 404 })
  },
}
