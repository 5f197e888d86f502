// A logout token, captured at the back-channel logout URL of a client.

import { openCapture } from './capture.ts'
import { logIn } from './login.ts'
import { clientOf, type Realm } from './realm.ts'

const CAPTURED = { id: 'captured', secret: 'captured-secret' }
const PATH = 'backchannel-logout'

/** Ends a session of a client whose logout URL is a local server, and returns the logout token that Keycloak sends. */
export async function captureLogoutToken(realm: Realm): Promise<string> {
  const capture = await openCapture()
  try {
    await realm.change('POST', 'clients', {
      ...clientOf(CAPTURED),
      attributes: { 'backchannel.logout.url': `${capture.url}/${PATH}` },
    })
    const { sid } = await logIn(realm, 'carol', CAPTURED)
    await realm.change('DELETE', `sessions/${sid}`)
    const [token = ''] = await capture.tokens(PATH, 1)
    return token
  } finally {
    capture.close()
  }
}
