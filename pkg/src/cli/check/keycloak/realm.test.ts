// A check of a running Keycloak: a fault of the address, the keys or the accounts gives one sentence, never an
// exception.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { resolveKeycloakSettings } from '../../../origin/connectors/keycloak/options.ts'
import { type FakeKeycloak, openFakeKeycloak } from '../../../origin/connectors/keycloak/testing/fake-keycloak.ts'
import { USER_EVENT_TYPES } from '../../../origin/connectors/keycloak/events/user-events.ts'
import type { Finding } from '../finding.ts'
import { checkKeycloak, type KeycloakCheck } from './realm.ts'

const SECRET = 'bridge-secret'

let keycloak: FakeKeycloak
/** The realm's token lifespan; `undefined`: the account may not read it. */
let lifespan: number | undefined
beforeEach(async () => {
  lifespan = undefined
  keycloak = await openFakeKeycloak()
  keycloak.eventsConfig['enabledEventTypes'] = [...USER_EVENT_TYPES]
  keycloak.intercept = (request, response) => {
    const body = new Map<string, unknown>([
      [
        '/certs',
        {
          keys: [
            { kty: 'RSA', kid: 'k', alg: 'RS256', use: 'sig' },
            { kty: 'RSA', kid: 'e', alg: 'RSA-OAEP', use: 'enc' },
          ],
        },
      ],
      ['/admin/realms/acme/client-scopes', []],
      ['/admin/realms/acme', lifespan === undefined ? undefined : { accessTokenLifespan: lifespan }],
    ]).get(request.url ?? '')
    if (body !== undefined) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    return body !== undefined
  }
})
afterEach(() => keycloak.close())

async function findings(
  changes: Partial<{ secret: string; realm: string; issuer: string; jwks: string; reads: boolean }> = {},
): Promise<Map<string, Finding>> {
  const {
    secret = SECRET,
    realm = 'acme',
    issuer = keycloak.issuer,
    jwks = `${keycloak.baseUrl}/certs`,
    reads = true,
  } = changes
  const account = reads ? { serviceAccount: { clientId: 'bridge', clientSecret: secret } } : {}
  const check: KeycloakCheck = {
    connector: resolveKeycloakSettings({ baseUrl: keycloak.baseUrl, realm, ...account }),
    realm: { name: realm, issuer, audience: 'api', jwks, maxLifetimeSeconds: 3_600 },
    plainHttp: 'loopback',
    administrator: undefined,
  }
  return new Map((await checkKeycloak(check)).map((each) => [each.check, each]))
}

function failures(found: Map<string, Finding>): string[] {
  return [...found.values()].filter(({ level }) => level === 'failure').map(({ check }) => check)
}

test('a realm that is set up', async () => {
  const found = await findings()
  assert.deepEqual(failures(found), [])
  assert.deepEqual(
    ['issuer', 'keys', 'events'].map((check) => found.get(check)?.level),
    ['ok', 'ok', 'ok'],
  )
  assert.match(found.get('keys')?.says ?? '', /a signing key: RS256$/)
})

test('an issuer other than the configured one', async () => {
  const found = await findings({ issuer: 'https://other.example/realms/acme' })
  assert.deepEqual(failures(found), ['issuer'])
  assert.match(found.get('issuer')?.says ?? '', /names another issuer/)
})

test('a renamed realm, a login page, and no server at all', async () => {
  assert.match((await findings({ realm: 'renamed' })).get('issuer')?.says ?? '', /has no realm 'renamed'/)
  keycloak.intercept = (_, response) => (
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Sign in</html>'), true
  )
  assert.match((await findings()).get('issuer')?.says ?? '', /something other than JSON, such as a login page/)
  await keycloak.close()
  assert.match((await findings()).get('issuer')?.says ?? '', /could not be reached/)
})

test('missing keys', async () => {
  assert.deepEqual(failures(await findings({ jwks: `${keycloak.baseUrl}/nowhere` })), ['keys'])
})

test('a wrong secret, which the message does not contain', async () => {
  const found = await findings({ secret: 'a-wrong-secret' })
  assert.deepEqual(failures(found), ['events', 'clients'])
  assert.ok([...found.values()].every(({ says, fix }) => !`${says}${fix}`.includes('a-wrong-secret')))
})

test('a missing right, and events that are not stored', async () => {
  keycloak.rights.delete('view-clients')
  assert.match((await findings()).get('missing_right')?.says ?? '', /lacks the role 'view-clients'/)
  keycloak.rights.add('view-clients')
  keycloak.eventsConfig['adminEventsEnabled'] = false
  const found = await findings()
  assert.deepEqual(failures(found), ['admin_events_off'])
  assert.equal(found.get('practice_audit')?.level, 'warning')
})

test('no service account at all', async () => {
  const found = await findings({ reads: false })
  assert.equal(found.get('events')?.level, 'warning')
  assert.equal(found.get('clients')?.level, 'unchecked')
})

test('compares the token lifespan with maxLifetimeSeconds, and names the longest one', async () => {
  const lifetime = async (seconds: number | undefined): Promise<Finding | undefined> => {
    lifespan = seconds
    return (await findings()).get('lifetime')
  }
  assert.equal((await lifetime(undefined))?.level, 'unchecked')
  assert.equal((await lifetime(3_600))?.level, 'ok')
  const longer = await lifetime(3_601)
  assert.equal(longer?.level, 'failure')
  assert.match(longer?.says ?? '', /3601 s, longer than maxLifetimeSeconds, 3600 s/)
  assert.match(longer?.fix ?? '', /to 3456000 \(40 days\) at most$/)
})
