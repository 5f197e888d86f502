// A page that checks tokens itself.

import { createGate } from 'portcullis/edge'

const gate = createGate(window.GATE_OPTIONS)

window.ask = async (token, scope) => {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const verdict = await gate.authenticate(new Request(`/${scope}`, { headers }), { scope: [scope] })
  return verdict.ok ? { status: 200, sub: verdict.claims.sub } : { status: verdict.status }
}
