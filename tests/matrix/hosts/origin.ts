// An origin in an environment, and a gate in this process that follows its feed.

import { createGate } from 'portcullis/edge'
import type { Running } from '../environment.ts'
import type { Stage } from '../stage.ts'
import { askGate } from './gate.ts'
import { startProgram, type Placed, type ServeOptions } from './program.ts'

/** Starts an origin that prints its port. The probe gets the verdicts of the gate. */
export async function serveOrigin(place: Placed, stage: Stage, options: ServeOptions): Promise<Running> {
  const { program, url } = await startProgram(place, {
    ...options,
    variables: { ORIGIN_OPTIONS: stage.originOptions, ...options.variables },
  })
  const gate = createGate(stage.gateAt(url))
  return {
    ask: (token, scope) => askGate(gate, token, scope),
    revoke: (token) => stage.revoke(token, url),
    async close() {
      gate.close()
      await program.stop()
    },
  }
}
