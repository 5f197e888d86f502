// A web worker that checks tokens for its page.

import { createGate } from 'portcullis/edge'

let gate

self.onmessage = async ({ data: { id, options, token, scope } }) => {
  try {
    gate ??= createGate(options)
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const verdict = await gate.authenticate(new Request(`/${scope}`, { headers }), { scope: [scope] })
    self.postMessage(verdict.ok ? { id, status: 200, sub: verdict.claims.sub } : { id, status: verdict.status })
  } catch (error) {
    self.postMessage({ id, error: String(error) })
  }
}
