// Row 6: the longest lifetime of a token is lowered, at Keycloak and at the origin.

import { MOBILE, WEB } from '../clients.ts'
import { adminEvent, requireEvidence } from '../evidence.ts'
import { ends, type Row } from '../row.ts'

const BEFORE_SECONDS = 300
const AFTER_SECONDS = 60

export const LIFETIME: Row = {
  number: 6,
  title: 'maxLifetimeSeconds lowered',
  cases: [
    {
      title: 'an older, longer token is refused, a new one passes',
      rounds: ['all'],
      // A separate stage, because its origin keeps the lower bound.
      stage: { realm: { accessTokenLifespan: BEFORE_SECONDS }, maxLifetimeSeconds: BEFORE_SECONDS },
      async run(scene) {
        const older = await scene.logIn('alice', WEB)
        await scene.accepted(older)
        const since = Date.now()
        await scene.realm.change('PUT', '', { accessTokenLifespan: AFTER_SECONDS })
        // Keycloak does not change issued tokens.
        await scene.accepted(older)
        const begun = performance.now()
        await scene.stage.origin.reconfigure({ maxLifetimeSeconds: AFTER_SECONDS })
        scene.seconds.push(await scene.refused(ends(older, 'lifetime_exceeded'), begun))
        await scene.accepted(await scene.logIn('alice', WEB, { agent: older.agent }))
        await scene.accepted(await scene.logIn('bob', MOBILE))
        await requireEvidence(adminEvent({ operationType: 'UPDATE', resourceType: 'REALM' }), scene.realm, since)
      },
    },
  ],
}
