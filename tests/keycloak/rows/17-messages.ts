// Row 17: revocations detected from Keycloak's messages only, with the pollers off: admin actions and, by option,
// logout tokens.

import { CONSENTING, MOBILE, SILENT, WEB, type Client } from '../clients.ts'
import { adminEvent, sessionDeleted } from '../evidence.ts'
import type { Login } from '../login.ts'
import { clientOf } from '../realm.ts'
import { ends, type Case, type Row } from '../row.ts'
import type { Scene } from '../scene.ts'

const ALONE = { rounds: ['no-poll'], tier: 'long' } as const satisfies Partial<Case>

/**
 * Has an Admin URL but no back-channel URL: Keycloak notifies it of logouts by `k_logout`, if it has sent its own
 * session's id.
 */
const ADAPTER: Client = { id: 'adapter', secret: 'adapter-secret' }

export const MESSAGES: Row = {
  number: 17,
  title: 'by messages alone',
  cases: [
    {
      ...ALONE,
      title: 'not-before of a client, pushed',
      async run(scene) {
        const path = `clients/${await scene.realm.clientUuid(WEB.id)}`
        const login = await scene.logIn('alice', WEB)
        await scene.enforce({
          ended: [ends(login, 'client_revoked')],
          spared: [await scene.logIn('alice', MOBILE, { agent: login.agent })],
          async act() {
            await scene.realm.change('PUT', path, { notBefore: Math.floor(Date.now() / 1000) })
            await scene.realm.change('POST', `${path}/push-revocation`)
          },
          again: () => scene.logIn('alice', WEB),
          evidence: [
            adminEvent({ operationType: 'ACTION', resourceType: 'CLIENT', resourcePath: `${path}/push-revocation` }),
          ],
        })
      },
    },
    {
      ...ALONE,
      // The message looks like that for each client with an Admin URL; the fetch that it causes finds the realm's
      // not-before, which covers clients without a URL, too.
      title: 'not-before of the realm, pushed',
      async run(scene) {
        const [alice, bob] = [await scene.logIn('alice', WEB), await scene.logIn('bob', SILENT)]
        await scene.enforce({
          ended: [ends(alice, 'realm_revoked', 'client_revoked'), ends(bob, 'realm_revoked')],
          spared: [],
          async act() {
            await scene.realm.change('PUT', '', { notBefore: Math.floor(Date.now() / 1000) })
            await scene.realm.change('POST', 'push-revocation')
          },
          again: () => scene.logIn('alice', WEB),
          evidence: [adminEvent({ operationType: 'ACTION', resourceType: 'REALM', resourcePath: 'push-revocation' })],
        })
      },
    },
    {
      ...ALONE,
      title: 'a session of a client with an Admin URL only',
      async run(scene) {
        await addAdapter(scene)
        const login = await logInByAdapter(scene)
        await scene.enforce({
          ended: [ends(login, 'session_revoked')],
          spared: [await logInByAdapter(scene), await scene.logIn('bob', WEB)],
          act: () => scene.realm.change('DELETE', `sessions/${login.sid}`),
          again: () => logInByAdapter(scene),
          evidence: [sessionDeleted(login.sid)],
        })
      },
    },
    {
      ...ALONE,
      title: 'a removed consent, where a logout token ends the part of its client',
      stage: { connector: { logoutTokenScope: 'client_session' } },
      async run(scene) {
        const login = await scene.logIn('alice', CONSENTING)
        const path = `users/${login.sub}/consents/${CONSENTING.id}`
        await scene.enforce({
          ended: [ends(login, 'session_revoked')],
          spared: [await scene.logIn('alice', WEB, { agent: login.agent })],
          act: () => scene.realm.change('DELETE', path),
          again: () => scene.logIn('alice', CONSENTING, { agent: login.agent }),
          evidence: [adminEvent({ operationType: 'ACTION', resourceType: 'USER', resourcePath: path })],
        })
      },
    },
    {
      ...ALONE,
      title: 'an offline session, of a client whose logout tokens revoke offline access',
      async run(scene) {
        const path = `clients/${await scene.realm.clientUuid(WEB.id)}`
        const revokesOffline = (value: boolean) =>
          scene.realm.change('PUT', path, { attributes: { 'backchannel.logout.revoke.offline.tokens': String(value) } })
        await revokesOffline(true)
        try {
          const online = await scene.logIn('alice', WEB)
          const offline = await scene.logIn('alice', WEB, { scope: 'openid offline_access' })
          await scene.enforce({
            ended: [ends(online, 'session_revoked', 'grant_revoked'), ends(offline, 'grant_revoked')],
            spared: [await scene.logIn('alice', SILENT), await scene.logIn('bob', WEB)],
            act: () => scene.realm.change('POST', `users/${online.sub}/logout`),
            again: () => scene.logIn('alice', WEB),
            evidence: [
              adminEvent({ operationType: 'ACTION', resourceType: 'USER', resourcePath: `users/${online.sub}/logout` }),
            ],
          })
        } finally {
          await revokesOffline(false)
        }
      },
    },
  ],
}

async function addAdapter({ realm, stage }: Scene): Promise<void> {
  const known = await realm.read<unknown[]>(`clients?clientId=${ADAPTER.id}`)
  if (known.length > 0) return
  await realm.change('POST', 'clients', { ...clientOf(ADAPTER), adminUrl: `${stage.originUrl}/realms/${realm.name}` })
}

/** Logs in with the id of the client's own session, as Keycloak's adapters do. */
function logInByAdapter(scene: Scene): Promise<Login> {
  return scene.logIn('alice', ADAPTER, { tokenParameters: { client_session_state: crypto.randomUUID() } })
}
