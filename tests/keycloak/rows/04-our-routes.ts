// Row 4: a session, a user and the realm are logged out by the origin's own routes, also while Keycloak is down.

import { pause } from '../../../www/demo/child.ts'
import { CONSENTING, MOBILE, SILENT, WEB } from '../clients.ts'
import { adminEvent, requireEvidence, sessionDeleted } from '../evidence.ts'
import type { Answer } from '../http.ts'
import { tryRefresh, type Login } from '../login.ts'
import { ends, Skipped, type Row } from '../row.ts'
import { laterThan, type Scene } from '../scene.ts'
import type { Administer } from '../stage.ts'

const DOWN_MS = 60_000
/** The sources record different revocations. */
const REVOKED = ['session_revoked', 'user_revoked', 'realm_revoked'] as const
/** Keycloak's embedded database is durable after half a second; this waits longer. */
const DURABLE_MS = 2_000
const AT_ONCE_MS = 20
const DONE_MS = 10_000

export const OUR_ROUTES: Row = {
  number: 4,
  title: "the origin's own routes",
  cases: [
    {
      title: 'a session',
      async run(scene) {
        const administer = await scene.stage.administrator()
        const web = await scene.logIn('alice', WEB)
        const mobile = await scene.logIn('alice', MOBILE, { agent: web.agent })
        await scene.enforce({
          ended: [ends(web, 'session_revoked'), ends(mobile, 'session_revoked')],
          spared: [await scene.logIn('alice', WEB), await scene.logIn('bob', WEB)],
          act: () => told(administer, 'DELETE', `sessions/${web.sid}`, 'done'),
          again: () => scene.logIn('alice', WEB, { agent: web.agent }),
          evidence: [sessionDeleted(web.sid)],
        })
        await requireRefused(scene, web)
      },
    },
    {
      title: 'a user, with an offline session and a client without URL',
      async run(scene) {
        const administer = await scene.stage.administrator()
        const web = await scene.logIn('alice', WEB)
        const silent = await scene.logIn('alice', SILENT)
        const offline = await scene.logIn('alice', WEB, { scope: 'openid offline_access' })
        await scene.enforce({
          ended: [web, silent, offline].map((login) => ends(login, 'user_revoked', 'session_revoked')),
          spared: [await scene.logIn('bob', WEB)],
          act: () => told(administer, 'POST', `users/${web.sub}/logout`, 'done'),
          again: () => scene.logIn('alice', WEB, { agent: web.agent }),
          evidence: [
            adminEvent({ operationType: 'ACTION', resourceType: 'USER', resourcePath: `users/${web.sub}/logout` }),
          ],
        })
        for (const login of [web, silent, offline]) await requireRefused(scene, login)
      },
    },
    {
      title: 'the realm',
      async run(scene) {
        const administer = await scene.stage.administrator()
        const [alice, bob] = [await scene.logIn('alice', WEB), await scene.logIn('bob', SILENT)]
        await scene.enforce({
          ended: [ends(alice, 'realm_revoked'), ends(bob, 'realm_revoked')],
          spared: [],
          act: () => told(administer, 'POST', 'logout-all', 'done'),
          again: () => scene.logIn('alice', WEB, { agent: alice.agent }),
          evidence: [adminEvent({ operationType: 'ACTION', resourceType: 'REALM', resourcePath: 'logout-all' })],
        })
        for (const login of [alice, bob]) await requireRefused(scene, login)
      },
    },
    {
      title: "a user's app, which asks for consent",
      async run(scene) {
        const administer = await scene.stage.administrator()
        const consenting = await scene.logIn('dave', CONSENTING)
        await scene.enforce({
          // Its logout token names the session, which the user's other clients share, so both reasons may occur.
          ended: [ends(consenting, 'grant_revoked', 'session_revoked')],
          spared: [await scene.logIn('dave', SILENT), await scene.logIn('bob', WEB)],
          act: () => told(administer, 'DELETE', `users/${consenting.sub}/grants/${CONSENTING.id}`, 'done'),
          again: () => scene.logIn('dave', CONSENTING),
          evidence: [
            adminEvent({
              operationType: 'ACTION',
              resourceType: 'USER',
              resourcePath: `users/${consenting.sub}/consents/${CONSENTING.id}`,
            }),
          ],
        })
        await requireRefused(scene, consenting)
      },
    },
    ...(['a session and a user', 'the realm'] as const).map((what) => ({
      title: `${what}, while Keycloak is down for a minute, and a refresh as soon as it is back`,
      rounds: ['all', 'no-poll'] as const,
      tier: 'long' as const,
      limitSeconds: 60 as const,
      server: 'own' as const,
      run: (scene: Scene) => whileDown(scene, what),
    })),
  ],
}

/**
 * Checks an act that is queued until Keycloak is back. A client that refreshes at once gets no usable token, then or
 * later.
 */
async function whileDown(scene: Scene, what: 'a session and a user' | 'the realm'): Promise<void> {
  const { stage, realm } = scene
  const { power } = stage.server
  if (power === undefined) throw new Skipped('the server belongs to another process')
  const administer = await stage.administrator()
  const [alice, carol] = [await scene.logIn('alice', WEB), await scene.logIn('carol', SILENT)]
  const bob = await scene.logIn('bob', WEB)
  await scene.accepted(alice)
  const since = Date.now()
  await pause(DURABLE_MS)
  await power.cut()
  const begun = performance.now()
  if (what === 'the realm') await told(administer, 'POST', 'logout-all', 'queued')
  else {
    await told(administer, 'DELETE', `sessions/${alice.sid}`, 'queued')
    await told(administer, 'POST', `users/${carol.sub}/logout`, 'queued')
  }
  for (const login of [alice, carol]) scene.seconds.push(await scene.refused(ends(login, ...REVOKED), begun))
  await pause(Math.max(0, DOWN_MS - (performance.now() - begun)))
  const refreshed = Promise.all([alice, carol].map((login) => refreshedAtOnce(scene, login)))
  await power.restore()
  for (const login of await refreshed) if (login !== undefined) await scene.refused(ends(login, ...REVOKED))
  for (const login of [alice, carol]) await requireUseless(scene, login)
  for (const login of await refreshed) if (login !== undefined) await requireUseless(scene, login)
  if (what !== 'the realm') {
    await scene.accepted(bob)
    await requireEvidence(sessionDeleted(alice.sid), realm, since)
    await requireEvidence(sessionDeleted(carol.sid), realm, since)
  }
  await laterThan(Math.floor(Date.now() / 1000))
  await scene.accepted(await scene.logIn('carol', WEB))
}

/** Calls a route of the origin, and checks the outcome at Keycloak that the response states. */
async function told(administer: Administer, method: string, path: string, outcome: 'done' | 'queued'): Promise<void> {
  const { status, headers, text } = await administer(method, path)
  const stated = headers.get('portcullis-upstream')
  if (status >= 300 || stated !== outcome)
    throw new Error(`the origin returned ${status} (${stated}) for ${method} ${path}: ${text}`)
}

/** Refreshes as soon as Keycloak responds. Returns `undefined` if it refuses. */
async function refreshedAtOnce(scene: Scene, login: Login): Promise<Login | undefined> {
  for (;;) {
    const answer = await tryRefresh(scene.realm, login).catch(() => undefined)
    if (answer?.status === 400) return undefined
    if (answer?.status === 200) return renewed(login, answer)
    await pause(AT_ONCE_MS)
  }
}

function renewed(login: Login, { text }: Answer): Login {
  const { access_token: accessToken = '', refresh_token: refreshToken = '' } = JSON.parse(text) as Record<
    string,
    string
  >
  return { ...login, accessToken, refreshToken }
}

/**
 * Checks that Keycloak refuses the refresh token, or that the edge refuses each token it gives. A session that ends
 * during a refresh sometimes stays usable at Keycloak (3 of 60 attempts, 26.7.3), unlisted, until it is ended again.
 */
async function requireUseless(scene: Scene, login: Login): Promise<void> {
  const deadline = performance.now() + DONE_MS
  for (;;) {
    const answer = await tryRefresh(scene.realm, login)
    if (answer.status === 400) return
    if (performance.now() > deadline) {
      await scene.refused(ends(renewed(login, answer), ...REVOKED))
      return
    }
    await pause(200)
  }
}

/** Waits until Keycloak refuses the refresh token, which it does once the act has been carried out there. */
async function requireRefused({ realm }: Scene, login: Login): Promise<void> {
  const deadline = performance.now() + DONE_MS
  while ((await tryRefresh(realm, login)).status !== 400) {
    if (performance.now() > deadline)
      throw new Error(`Keycloak still accepts the refresh token of ${login.username} for ${login.client.id}`)
    await pause(200)
  }
}
