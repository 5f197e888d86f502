// Row 1: one session is ended by an administrator.

import { MOBILE, SPA, WEB } from '../clients.ts'
import { openSessions } from '../console.ts'
import { sessionDeleted } from '../evidence.ts'
import { ends, type Row } from '../row.ts'
import { laterThan } from '../scene.ts'

export const SESSION: Row = {
  number: 1,
  title: 'one session ended',
  cases: [
    {
      title: 'DELETE sessions/{sid}',
      times: 20,
      async run(scene) {
        const web = await scene.logIn('alice', WEB)
        const mobile = await scene.logIn('alice', MOBILE, { agent: web.agent })
        await scene.enforce({
          ended: [ends(web, 'session_revoked'), ends(mobile, 'session_revoked')],
          spared: [await scene.logIn('alice', WEB), await scene.logIn('bob', WEB)],
          act: () => scene.realm.change('DELETE', `sessions/${web.sid}`),
          again: () => scene.logIn('alice', WEB, { agent: web.agent }),
          evidence: [sessionDeleted(web.sid)],
        })
      },
    },
    {
      title: 'clicked in the admin console',
      tier: 'long',
      async run(scene) {
        // Leaves a single session in the list.
        await scene.realm.change('POST', `users/${await scene.realm.userId('carol')}/logout`)
        await laterThan(Math.floor(Date.now() / 1000))
        const web = await scene.logIn('carol', WEB)
        const sessions = await openSessions(scene.realm, web.sub)
        try {
          await scene.enforce({
            ended: [ends(web, 'session_revoked')],
            spared: [await scene.logIn('bob', WEB)],
            act: () => sessions.signOut(),
            again: () => scene.logIn('carol', WEB, { agent: web.agent }),
            evidence: [sessionDeleted(web.sid)],
          })
        } finally {
          await sessions.close()
        }
      },
    },
    {
      title: 'its client gets logout tokens without a session',
      async run(scene) {
        // A separate user: while this session exists, every logout of the user is also sent without a session.
        const spa = await scene.logIn('dave', SPA)
        const other = await scene.logIn('dave', WEB)
        const bob = await scene.logIn('bob', SPA)
        // With push, the whole user is logged out: a logout token without `sid` means all sessions (§2.4).
        const isHeard = scene.round !== 'no-push'
        await scene.enforce({
          ended: isHeard
            ? [ends(spa, 'user_revoked', 'session_revoked'), ends(other, 'user_revoked')]
            : [ends(spa, 'session_revoked')],
          spared: isHeard ? [bob] : [other, bob],
          act: () => scene.realm.change('DELETE', `sessions/${spa.sid}`),
          again: () => scene.logIn('dave', SPA, { agent: spa.agent }),
          evidence: [sessionDeleted(spa.sid)],
        })
      },
    },
  ],
}
