// Row 11, clients and the realm: clients disabled and deleted, and not-befores set without a push.

import { MOBILE, WEB, type Client } from '../clients.ts'
import { adminEvent } from '../evidence.ts'
import { clientOf } from '../realm.ts'
import { ends, type Case } from '../row.ts'
import type { Scene } from '../scene.ts'

/** Keycloak sends no message about any of these. */
const ROUNDS = ['all', 'no-push'] as const

/** The client to delete. */
const PASSING: Client = { id: 'https://passing.example/a b' }

export const CLIENT_CASES: readonly Case[] = [
  clientChanged('client disabled', () => ({ enabled: false }), { enabled: true }),
  {
    title: 'client deleted',
    rounds: ROUNDS,
    async run(scene) {
      const path = await addClient(scene)
      const login = await scene.logIn('alice', PASSING)
      await scene.enforce({
        ended: [ends(login, 'client_revoked')],
        spared: [await scene.logIn('alice', WEB, { agent: login.agent })],
        act: () => scene.realm.change('DELETE', path),
        async again() {
          await addClient(scene)
          return scene.logIn('alice', PASSING)
        },
        evidence: [adminEvent({ operationType: 'DELETE', resourceType: 'CLIENT', resourcePath: path })],
      })
      await scene.settle()
      await scene.realm.change('DELETE', `clients/${await scene.realm.clientUuid(encodeURIComponent(PASSING.id))}`)
    },
  },
  clientChanged('not-before of a client set without a push', () => ({ notBefore: now() })),
  {
    title: 'not-before of the realm set without a push',
    rounds: ROUNDS,
    async run(scene) {
      const login = await scene.logIn('alice', WEB)
      await scene.enforce({
        ended: [ends(login, 'realm_revoked'), ends(await scene.logIn('bob', MOBILE), 'realm_revoked')],
        spared: [],
        act: () => scene.realm.change('PUT', '', { notBefore: now() }),
        again: () => scene.logIn('alice', WEB),
        evidence: [adminEvent({ operationType: 'UPDATE', resourceType: 'REALM' })],
      })
    },
  },
]

/**
 * Makes a case for a change of a client that revokes its tokens but not those of another client in the session.
 * `restored` is the change that permits logins again.
 */
function clientChanged(title: string, changed: () => object, restored: object = {}): Case {
  return {
    title,
    rounds: ROUNDS,
    async run(scene) {
      const path = `clients/${await scene.realm.clientUuid(MOBILE.id)}`
      const login = await scene.logIn('alice', MOBILE)
      await scene.enforce({
        ended: [ends(login, 'client_revoked')],
        spared: [await scene.logIn('alice', WEB, { agent: login.agent })],
        act: () => scene.realm.change('PUT', path, changed()),
        async again() {
          await scene.realm.change('PUT', path, restored)
          return scene.logIn('alice', MOBILE)
        },
        evidence: [adminEvent({ operationType: 'UPDATE', resourceType: 'CLIENT', resourcePath: path })],
      })
    },
  }
}

async function addClient(scene: Scene): Promise<string> {
  await scene.realm.change('POST', 'clients', clientOf(PASSING))
  return `clients/${await scene.realm.clientUuid(encodeURIComponent(PASSING.id))}`
}

/** Returns Unix seconds; Keycloak runs on this machine. */
function now(): number {
  return Math.floor(Date.now() / 1000)
}
