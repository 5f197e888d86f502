// An origin that an environment runs, and a gate in this process that follows its feed.

import { createGate } from 'portcullis/edge'
import type { Running } from '../environment.ts'
import type { Stage } from '../stage.ts'
import { startProgram, type Placed, type ServeOptions } from './program.ts'

/** Starts an origin that prints where it listens; the gate's verdicts are the answers. */
export async function serveOrigin(place: Placed, stage: Stage, options: ServeOptions): Promise<Running> {
  const { program, url } = await startProgram(place, { ...options, variables: { ORIGIN_OPTIONS: stage.originOptions, ...options.variables } })
  const gate = createGate(stage.gateAt(url))
  return {
    async ask(token, scope = 'read') {
      const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const verdict = await gate.authenticate(new Request('https://app.example/', { headers }), { scope: [scope] })
      return verdict.ok ? 200 : verdict.status
    },
    revoke: (token) => stage.revoke(token, url),
    async close() {
      gate.close()
      await program.stop()
    },
  }
}
