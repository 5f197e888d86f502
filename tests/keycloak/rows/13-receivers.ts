// Row 13: receivers of Keycloak's messages fail, so that only polling detects the actions.

import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ACCOUNT_CONSOLE, MOBILE, SPA, WEB } from '../clients.ts'
import { sessionDeleted, userEvent } from '../evidence.ts'
import { manageAccount } from '../login.ts'
import { ends, type Row } from '../row.ts'
import { laterThan, type Scene } from '../scene.ts'

/** In the other rounds, receivers make no difference or are the only source. */
const ROUNDS = ['all'] as const

export const RECEIVERS: Row = {
  number: 13,
  title: 'receivers fail',
  cases: [
    {
      title: 'every receiver returns 500, one session ended',
      rounds: ROUNDS,
      tier: 'long',
      async run(scene) {
        await withReceivers(
          scene,
          (_, response) => response.writeHead(500).end(),
          async () => {
            const ended = await scene.logIn('alice', WEB)
            await scene.enforce({
              ended: [ends(ended, 'session_revoked')],
              spared: [await scene.logIn('alice', WEB), await scene.logIn('bob', WEB)],
              act: () => scene.realm.change('DELETE', `sessions/${ended.sid}`),
              again: () => scene.logIn('alice', WEB, { agent: ended.agent }),
              evidence: [sessionDeleted(ended.sid)],
            })
          },
        )
      },
    },
    {
      // Keycloak gives each receiver 5 s and shows the events after the last one; the first event is 10 s old by then.
      title: 'no receiver responds, three sessions signed out in the account console',
      rounds: ROUNDS,
      tier: 'long',
      limitSeconds: 60,
      async run(scene) {
        // Each earlier session would take another 5 s.
        await scene.realm.change('POST', `users/${await scene.realm.userId('carol')}/logout`)
        await laterThan(Math.floor(Date.now() / 1000))
        await withReceivers(
          scene,
          () => undefined,
          async () => {
            const devices = [await scene.logIn('carol', WEB), await scene.logIn('carol', WEB)]
            const here = await scene.logIn('carol', WEB)
            const console = await scene.logIn('carol', ACCOUNT_CONSOLE, { agent: here.agent })
            await scene.enforce({
              ended: [...devices, here].map((login) => ends(login, 'session_revoked')),
              spared: [await scene.logIn('bob', WEB)],
              act: () => manageAccount(scene.realm, console, 'DELETE', 'sessions?current=true'),
              again: () => scene.logIn('carol', WEB, { agent: here.agent }),
              evidence: devices.map(({ sid }) => userEvent({ type: 'LOGOUT', sessionId: sid })),
            })
          },
        )
      },
    },
  ],
}

/**
 * Redirects the logout tokens of all clients to a server with the handler `answer`, and back to the origin afterwards.
 */
async function withReceivers(scene: Scene, answer: RequestListener, run: () => Promise<void>): Promise<void> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    await directTo(scene, url)
    await run()
  } finally {
    await directTo(scene, `${scene.stage.originUrl}/realms/${scene.realm.name}/backchannel-logout`)
    server.closeAllConnections()
    server.close()
  }
}

async function directTo(scene: Scene, url: string): Promise<void> {
  for (const { id } of [WEB, MOBILE, SPA]) {
    await scene.realm.change('PUT', `clients/${await scene.realm.clientUuid(id)}`, {
      clientId: id,
      attributes: { 'backchannel.logout.url': url },
    })
  }
}
