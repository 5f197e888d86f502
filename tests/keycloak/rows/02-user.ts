// Row 2: all sessions of a user are ended by an administrator.

import { MOBILE, SILENT, WEB } from '../clients.ts'
import { adminEvent } from '../evidence.ts'
import { ends, type Row } from '../row.ts'

export const USER: Row = {
  number: 2,
  title: 'all sessions of a user',
  cases: [
    {
      title: 'POST users/{id}/logout, with an offline session and a client without URL',
      times: 20,
      async run(scene) {
        const first = await scene.logIn('alice', WEB)
        const second = await scene.logIn('alice', MOBILE)
        const silent = await scene.logIn('alice', SILENT)
        const offline = await scene.logIn('alice', WEB, { scope: 'openid offline_access' })
        const bob = await scene.logIn('bob', WEB)
        // Keycloak sends nothing about these two; only the user's not-before affects them.
        const unheard = [silent, offline]
        const isPolled = scene.round !== 'no-poll'
        await scene.enforce({
          ended: [
            ...[first, second].map((login) => ends(login, 'session_revoked', 'user_revoked')),
            ...(isPolled ? unheard.map((login) => ends(login, 'user_revoked')) : []),
          ],
          spared: isPolled ? [bob] : [bob, ...unheard],
          act: () => scene.realm.change('POST', `users/${first.sub}/logout`),
          again: () => scene.logIn('alice', WEB, { agent: first.agent }),
          evidence: [
            adminEvent({ operationType: 'ACTION', resourceType: 'USER', resourcePath: `users/${first.sub}/logout` }),
          ],
        })
      },
    },
  ],
}
