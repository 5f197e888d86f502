// Row 10: users end sessions themselves, in an app and in the account console.

import { ACCOUNT_CONSOLE, MOBILE, WEB } from '../clients.ts'
import { userEvent, type Evidence } from '../evidence.ts'
import { logOut, manageAccount } from '../login.ts'
import { ends, type Row } from '../row.ts'

export const USER_ACTS: Row = {
  number: 10,
  title: 'a user logs out',
  cases: [
    {
      title: 'RP-initiated logout by another client of the session',
      async run(scene) {
        const web = await scene.logIn('alice', WEB)
        const mobile = await scene.logIn('alice', MOBILE, { agent: web.agent })
        await scene.enforce({
          ended: [ends(web, 'session_revoked'), ends(mobile, 'session_revoked')],
          spared: [await scene.logIn('alice', WEB), await scene.logIn('bob', WEB)],
          act: () => logOut(scene.realm, mobile),
          again: () => scene.logIn('alice', WEB, { agent: web.agent }),
          evidence: [loggedOut(web.sid)],
        })
      },
    },
    {
      title: 'account console, one device',
      async run(scene) {
        const device = await scene.logIn('alice', WEB)
        const here = await scene.logIn('alice', WEB)
        const console = await scene.logIn('alice', ACCOUNT_CONSOLE, { agent: here.agent })
        await scene.enforce({
          ended: [ends(device, 'session_revoked')],
          spared: [here, await scene.logIn('bob', WEB)],
          act: () => manageAccount(scene.realm, console, 'DELETE', `sessions/${device.sid}`),
          again: () => scene.logIn('alice', WEB, { agent: device.agent }),
          evidence: [loggedOut(device.sid)],
        })
      },
    },
    {
      title: 'account console, all devices',
      async run(scene) {
        const device = await scene.logIn('alice', WEB)
        const here = await scene.logIn('alice', WEB)
        const console = await scene.logIn('alice', ACCOUNT_CONSOLE, { agent: here.agent })
        await scene.enforce({
          ended: [ends(device, 'session_revoked'), ends(here, 'session_revoked')],
          spared: [await scene.logIn('bob', WEB)],
          act: () => manageAccount(scene.realm, console, 'DELETE', 'sessions?current=true'),
          again: () => scene.logIn('alice', WEB, { agent: device.agent }),
          evidence: [loggedOut(device.sid), loggedOut(here.sid)],
        })
      },
    },
    {
      title: 'password changed, other devices signed out',
      async run(scene) {
        const device = await scene.logIn('alice', WEB)
        const here = await scene.logIn('alice', WEB)
        const password = 'alice-password'
        await scene.enforce({
          ended: [ends(device, 'session_revoked')],
          spared: [here, await scene.logIn('bob', WEB)],
          act: () =>
            scene.logIn('alice', WEB, {
              agent: here.agent,
              parameters: { kc_action: 'UPDATE_PASSWORD' },
              fields: { 'password-new': password, 'password-confirm': password, 'logout-sessions': 'on' },
            }),
          again: () => scene.logIn('alice', WEB, { agent: device.agent }),
          evidence: [loggedOut(device.sid), userEvent({ type: 'UPDATE_PASSWORD', userId: here.sub })],
        })
      },
    },
  ],
}

function loggedOut(sid: string): Evidence {
  return userEvent({ type: 'LOGOUT', sessionId: sid })
}
