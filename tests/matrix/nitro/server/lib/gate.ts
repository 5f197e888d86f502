import { toWebRequest, type H3Event } from 'h3'
import { createGate } from 'portcullis/edge'

const gate = createGate((env: { GATE_OPTIONS: string }) => JSON.parse(env.GATE_OPTIONS))

/** What a handler returns: the subject, or the refusal. */
export async function subject(event: H3Event, scope: string[]): Promise<{ sub: string | undefined } | Response> {
  const env = event.context.cloudflare?.env ?? process.env
  const auth = await gate.authenticate(toWebRequest(event), { scope, env, waitUntil: event.waitUntil })
  return auth.ok ? { sub: auth.claims.sub } : gate.challenge(auth)
}
