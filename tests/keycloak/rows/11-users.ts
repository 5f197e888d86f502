// Row 11, users: changed by an administrator, or locked out by wrong passwords.

import { CONSENTING, WEB, ACCOUNT_CONSOLE } from '../clients.ts'
import { adminEvent, userEvent, type Evidence } from '../evidence.ts'
import { manageAccount, tryPassword, type Login } from '../login.ts'
import { user } from '../realm.ts'
import { ends, type Case } from '../row.ts'
import type { Scene } from '../scene.ts'

/**
 * Keycloak sends no message about these, except for a removed consent, whose logout token names a session that
 * continues.
 */
const ROUNDS = ['all', 'no-push'] as const
const LOCKED_MS = 10_000

export const USER_CASES: readonly Case[] = [
  {
    title: 'user disabled',
    rounds: ROUNDS,
    async run(scene) {
      const login = await scene.logIn('carol', WEB)
      const path = `users/${login.sub}`
      await scene.enforce({
        ended: [ends(login, 'user_revoked')],
        spared: [await scene.logIn('bob', WEB)],
        act: () => scene.realm.change('PUT', path, { enabled: false }),
        async again() {
          await scene.realm.change('PUT', path, { enabled: true })
          return scene.logIn('carol', WEB)
        },
        evidence: [
          adminEvent({
            operationType: 'UPDATE',
            resourceType: 'USER',
            resourcePath: path,
            representation: '{"enabled":false}',
          }),
        ],
      })
    },
  },
  {
    title: 'user deleted',
    rounds: ROUNDS,
    async run(scene) {
      await addUser(scene)
      const login = await scene.logIn('frank', WEB)
      await scene.enforce({
        ended: [ends(login, 'user_revoked')],
        spared: [await scene.logIn('bob', WEB)],
        act: () => scene.realm.change('DELETE', `users/${login.sub}`),
        async again() {
          await addUser(scene)
          return scene.logIn('frank', WEB)
        },
        evidence: [adminEvent({ operationType: 'DELETE', resourceType: 'USER', resourcePath: `users/${login.sub}` })],
      })
      await scene.settle()
      await scene.realm.change('DELETE', `users/${await scene.realm.userId('frank')}`)
    },
  },
  {
    title: 'user locked out permanently',
    rounds: ROUNDS,
    async run(scene) {
      const login = await scene.logIn('dave', WEB)
      await scene.realm.change('PUT', '', { bruteForceProtected: true, permanentLockout: true, failureFactor: 2 })
      try {
        await scene.enforce({
          ended: [ends(login, 'user_revoked')],
          spared: [await scene.logIn('bob', WEB)],
          act: () => guess(scene, login),
          async again() {
            await scene.realm.change('DELETE', `attack-detection/brute-force/users/${login.sub}`)
            await scene.realm.change('PUT', `users/${login.sub}`, { enabled: true })
            return scene.logIn('dave', WEB)
          },
          evidence: [userEvent({ type: 'USER_DISABLED_BY_PERMANENT_LOCKOUT', userId: login.sub })],
        })
      } finally {
        await scene.realm.change('PUT', '', { bruteForceProtected: false, permanentLockout: false })
      }
    },
  },
  {
    title: 'password reset by an administrator',
    rounds: ROUNDS,
    async run(scene) {
      const login = await scene.logIn('erin', WEB)
      const path = `users/${login.sub}/reset-password`
      await scene.enforce({
        ended: [ends(login, 'user_revoked')],
        spared: [await scene.logIn('bob', WEB)],
        act: () => scene.realm.change('PUT', path, { type: 'password', value: 'erin-password', temporary: false }),
        again: () => scene.logIn('erin', WEB),
        evidence: [adminEvent({ operationType: 'ACTION', resourceType: 'USER', resourcePath: path })],
      })
    },
  },
  {
    title: 'consent removed, where a logout token ends the whole session',
    rounds: ROUNDS,
    async run(scene) {
      const login = await scene.logIn('carol', CONSENTING)
      const other = await scene.logIn('carol', WEB, { agent: login.agent })
      const path = `users/${login.sub}/consents/${CONSENTING.id}`
      const isHeard = scene.round === 'all'
      await scene.enforce({
        ended: [ends(login, 'grant_revoked', 'session_revoked'), ...(isHeard ? [ends(other, 'session_revoked')] : [])],
        spared: [await scene.logIn('bob', CONSENTING), ...(isHeard ? [] : [other])],
        act: () => scene.realm.change('DELETE', path),
        again: () => scene.logIn('carol', CONSENTING),
        evidence: [adminEvent({ operationType: 'ACTION', resourceType: 'USER', resourcePath: path })],
      })
    },
  },
  {
    title: 'consent removed by an administrator',
    rounds: ROUNDS,
    stage: { connector: { logoutTokenScope: 'client_session' } },
    async run(scene) {
      const login = await scene.logIn('carol', CONSENTING)
      const other = await scene.logIn('carol', WEB, { agent: login.agent })
      const path = `users/${login.sub}/consents/${CONSENTING.id}`
      await withdraw(scene, login, other, {
        act: () => scene.realm.change('DELETE', path),
        evidence: adminEvent({ operationType: 'ACTION', resourceType: 'USER', resourcePath: path }),
      })
    },
  },
  {
    title: 'consent revoked in the account console',
    rounds: ROUNDS,
    stage: { connector: { logoutTokenScope: 'client_session' } },
    async run(scene) {
      const login = await scene.logIn('carol', CONSENTING)
      const other = await scene.logIn('carol', WEB, { agent: login.agent })
      const console = await scene.logIn('carol', ACCOUNT_CONSOLE, { agent: login.agent })
      await withdraw(scene, login, other, {
        act: () => manageAccount(scene.realm, console, 'DELETE', `applications/${CONSENTING.id}/consent`),
        evidence: userEvent({ type: 'REVOKE_GRANT', userId: login.sub, clientId: 'account' }),
      })
    },
  },
]

/** Adds a separate user, who may be deleted. */
async function addUser(scene: Scene): Promise<void> {
  await scene.realm.change('POST', 'users', user('frank', scene.realm.name))
}

/** Sends wrong passwords until Keycloak has disabled the user; it counts them after the response. */
async function guess(scene: Scene, { username, client, sub }: Login): Promise<void> {
  const deadline = performance.now() + LOCKED_MS
  while (performance.now() < deadline) {
    await tryPassword(scene.realm, client, username, 'wrong-password')
    if (!(await scene.realm.read<{ enabled: boolean }>(`users/${sub}`)).enabled) return
  }
  throw new Error(`Keycloak did not lock ${username} out`)
}

/** Makes a case for a removed consent: only its client is ended, and the user may consent again. */
async function withdraw(
  scene: Scene,
  login: Login,
  other: Login,
  { act, evidence }: { act(): Promise<unknown>; evidence: Evidence },
): Promise<void> {
  await scene.enforce({
    ended: [ends(login, 'grant_revoked', 'session_revoked')],
    spared: [other, await scene.logIn('bob', CONSENTING)],
    act,
    again: () => scene.logIn('carol', CONSENTING, { agent: login.agent }),
    evidence: [evidence],
  })
}
