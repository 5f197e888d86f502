// A worker for workerd.

import { createGate } from 'portcullis/edge'

const gate = createGate((env) => JSON.parse(env.GATE_OPTIONS))
const answer = (_request, _env, _ctx, auth) => Response.json({ sub: auth.claims.sub })
const routes = {
  '/read': gate.protect(answer, { scope: ['read'] }),
  '/write': gate.protect(answer, { scope: ['write'] }),
}

export default {
  fetch(request, env, ctx) {
    const route = routes[new URL(request.url).pathname]
    return route === undefined ? new Response('not found', { status: 404 }) : route(request, env, ctx)
  },
}
