// The tour: tries every method of revocation against the running origin and edge, and measures it.

import type { Child } from './child.ts'
import { Client } from './client.ts'
import { openSecrets } from './secrets.ts'
import type { Place } from './settings.ts'
import { keySteps } from './tour/keys.ts'
import { operationSteps } from './tour/operations.ts'
import type { Stage } from './tour/step.ts'
import { tokenSteps } from './tour/tokens.ts'
import { userSteps } from './tour/users.ts'

/** The processes of the demo that the tour kills and restarts. */
export interface Parts {
  origin: Child
  edge: Child
}

/** Runs and prints the steps. Returns whether every one passed. */
export async function tour(place: Place, parts: Parts): Promise<boolean> {
  const client = new Client(place)
  const { inhouseKey } = await openSecrets(place.folder)
  const stage: Stage = Object.assign(parts, {
    place,
    client,
    inhouseKey: Buffer.from(String(inhouseKey.k), 'base64url'),
    admin: async () => (await client.logIn('admin')).access_token,
  })
  const steps = [tokenSteps, userSteps, keySteps, operationSteps].flatMap((part) => part(stage))
  let failed = 0
  for (const [index, step] of steps.entries()) {
    const number = String(index + 1).padStart(2)
    try {
      console.log(`${number}. ${step.title}\n    ${await step.run()}`)
    } catch (error) {
      failed += 1
      console.log(`${number}. ${step.title}\n    FAILED: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  console.log(failed === 0 ? `\nAll ${steps.length} steps passed.` : `\n${failed} of ${steps.length} steps failed.`)
  return failed === 0
}
