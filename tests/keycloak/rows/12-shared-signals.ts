// Row 12: Keycloak pushes security events, its only messages about a client without a URL.

import { SILENT } from '../clients.ts'
import { adminEvent, userEvent } from '../evidence.ts'
import { logOut } from '../login.ts'
import { ends, type Case, type Row } from '../row.ts'
import { openStream } from '../stream.ts'
import type { Scene } from '../scene.ts'

const AUTHORIZATION = 'Bearer secret of the stream'

const PUSHED = {
  rounds: ['all', 'no-poll'],
  tier: 'long',
  times: 5,
  stage: { connector: { securityEvents: { authorization: AUTHORIZATION } } },
} as const satisfies Partial<Case>

export const SHARED_SIGNALS: Row = {
  number: 12,
  title: 'shared signals',
  cases: [
    {
      ...PUSHED,
      title: 'session-revoked',
      async run(scene) {
        await receive(scene)
        const login = await scene.logIn('alice', SILENT)
        await scene.enforce({
          ended: [ends(login, 'session_revoked')],
          spared: [await scene.logIn('alice', SILENT), await scene.logIn('bob', SILENT)],
          act: () => logOut(scene.realm, login),
          again: () => scene.logIn('alice', SILENT, { agent: login.agent }),
          evidence: [userEvent({ type: 'LOGOUT', sessionId: login.sid })],
        })
      },
    },
    {
      ...PUSHED,
      title: 'session-revoked for ALL',
      async run(scene) {
        await receive(scene)
        const [first, second] = [await scene.logIn('alice', SILENT), await scene.logIn('alice', SILENT)]
        await scene.enforce({
          ended: [ends(first, 'user_revoked'), ends(second, 'user_revoked')],
          spared: [await scene.logIn('bob', SILENT)],
          act: () => scene.realm.change('POST', `users/${first.sub}/logout`),
          again: () => scene.logIn('alice', SILENT, { agent: first.agent }),
          evidence: [
            adminEvent({ operationType: 'ACTION', resourceType: 'USER', resourcePath: `users/${first.sub}/logout` }),
          ],
        })
      },
    },
    {
      ...PUSHED,
      title: 'credential-change: a password that an administrator resets',
      async run(scene) {
        await receive(scene)
        const login = await scene.logIn('carol', SILENT)
        const password = { type: 'password', value: 'carol-password', temporary: false }
        await scene.enforce({
          ended: [ends(login, 'user_revoked')],
          spared: [await scene.logIn('bob', SILENT)],
          act: () => scene.realm.change('PUT', `users/${login.sub}/reset-password`, password),
          again: () => scene.logIn('carol', SILENT),
          evidence: [
            adminEvent({
              operationType: 'ACTION',
              resourceType: 'USER',
              resourcePath: `users/${login.sub}/reset-password`,
            }),
          ],
        })
      },
    },
  ],
}

function receive({ realm, stage }: Scene): Promise<void> {
  return openStream(realm, { endpoint: `${stage.originUrl}/realms/${realm.name}/events`, authorization: AUTHORIZATION })
}
