// A logout token, heard at the back-channel logout URL of a client.

import { createServer, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { logIn } from './login.ts'
import { clientOf, type Realm } from './realm.ts'

const LISTENING = { id: 'listening', secret: 'listening-secret' }

/** Ends a session of a client whose URL is a server here, and returns what Keycloak sends. */
export async function heardLogoutToken(realm: Realm): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const heard = new Promise<string>((resolve, reject) => {
    server.on('request', (request: IncomingMessage, response) => {
      response.end()
      text(request).then((body) => resolve(new URLSearchParams(body).get('logout_token') ?? ''), reject)
    })
  })
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    await realm.change('POST', 'clients', { ...clientOf(LISTENING), attributes: { 'backchannel.logout.url': url } })
    const { sid } = await logIn(realm, 'carol', LISTENING)
    await realm.change('DELETE', `sessions/${sid}`)
    return await heard
  } finally {
    server.close()
  }
}
