// A gate in this process, for environments that do not run an application.

import type { Gate } from 'portcullis/edge'
import type { Scope } from '../environment.ts'

/** Returns the headers of a request with this token (`undefined`: no token). */
export function authorization(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

/** Returns the status of the gate's response to a request with this token that needs this scope. */
export async function askGate(gate: Gate, token: string | undefined, scope: Scope = 'read'): Promise<number> {
  const verdict = await gate.authenticate(new Request('https://app.example/', { headers: authorization(token) }), {
    scope: [scope],
  })
  return verdict.ok ? 200 : verdict.status
}
