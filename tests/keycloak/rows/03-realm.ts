// Row 3: the whole realm is logged out by an administrator.

import { SILENT, WEB } from '../clients.ts'
import { adminEvent } from '../evidence.ts'
import { ends, type Row } from '../row.ts'

export const REALM: Row = {
  number: 3,
  title: 'the whole realm',
  cases: [
    {
      title: 'POST logout-all',
      times: 20,
      async run(scene) {
        const alice = await scene.logIn('alice', WEB)
        const bob = await scene.logIn('bob', SILENT)
        await scene.enforce({
          ended: [alice, bob].map((login) => ends(login, 'realm_revoked')),
          spared: [],
          act: () => scene.realm.change('POST', 'logout-all'),
          again: () => scene.logIn('alice', WEB, { agent: alice.agent }),
          evidence: [adminEvent({ operationType: 'ACTION', resourceType: 'REALM', resourcePath: 'logout-all' })],
        })
      },
    },
  ],
}
