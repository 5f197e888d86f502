// The settings of clients on which logouts and tokens depend: each missing one is reported with its consequence.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { audienceMapper, client } from '../../testing/registered-client.ts'
import type { Finding } from '../finding.ts'
import { type ClientFacts, clientFindings } from './clients.ts'

const OURS = {
  'backchannel.logout.url': 'https://origin.example/realms/acme/backchannel-logout',
  'backchannel.logout.session.required': 'true',
}
const GOOD = {
  attributes: OURS,
  adminUrl: 'https://origin.example/realms/acme',
  protocolMappers: [audienceMapper('api')],
}
const SCOPES: ClientFacts['scopes'] = new Map([
  ['basic', [{ name: 'sub', protocolMapper: 'oidc-sub-mapper', config: { 'access.token.claim': 'true' } }]],
])

function findings(clients: ClientFacts['clients'], changes: Partial<ClientFacts> = {}): Map<string, Finding> {
  const facts = {
    clients,
    scopes: SCOPES,
    realm: { name: 'acme', audience: 'api' },
    maxLifetimeSeconds: 300,
    ...changes,
  }
  return new Map(clientFindings(facts).map((each) => [each.check, each]))
}

function levels(found: Map<string, Finding>): Record<string, string> {
  return Object.fromEntries(
    [...found].filter(([, { level }]) => level !== 'ok').map(([check, { level }]) => [check, level]),
  )
}

test('a client that is set up only has ok findings', () => {
  assert.deepEqual(levels(findings([client('web', GOOD)])), {})
})

test('logouts of a client without a URL, or with one elsewhere, are only found by polling', () => {
  const without = findings([client('web', GOOD), client('spa', { ...GOOD, attributes: {} })])
  assert.deepEqual(levels(without), { logout_urls: 'warning' })
  assert.match(without.get('logout_urls')?.says ?? '', /^client spa without a backchannel logout URL/)
  const elsewhere = findings([
    client('web', { ...GOOD, attributes: { ...OURS, 'backchannel.logout.url': 'https://other.example/' } }),
  ])
  assert.match(elsewhere.get('logout_urls')?.says ?? '', /elsewhere/)
})

test('reports that a logout token without a session ends all sessions of the user', () => {
  const found = findings([
    client('web', { ...GOOD, attributes: { ...OURS, 'backchannel.logout.session.required': 'false' } }),
  ])
  assert.deepEqual(levels(found), { session_ids: 'warning' })
  assert.match(found.get('session_ids')?.says ?? '', /one session's end refuses all tokens of the user/)
})

test('tokens without the audience are refused: a warning for some clients, a failure for all', () => {
  const bare = client('spa', { ...GOOD, protocolMappers: [] })
  assert.deepEqual(levels(findings([client('web', GOOD), bare])), { audience: 'warning' })
  const found = findings([bare])
  assert.deepEqual(levels(found), { audience: 'failure' })
  assert.match(found.get('audience')?.fix ?? '', /init --client spa/)
  const scopes: ClientFacts['scopes'] = new Map([
    ...SCOPES,
    [
      'roles',
      [
        {
          name: 'a',
          protocolMapper: 'oidc-audience-mapper',
          config: { 'access.token.claim': 'true', 'included.client.audience': 'api' },
        },
      ],
    ],
  ])
  assert.deepEqual(levels(findings([bare], { scopes })), {})
  assert.deepEqual(levels(findings([bare], { realm: { name: 'acme', audience: 'none' } })), {})
})

test('lightweight tokens need the subject and the audience switched on', () => {
  const attributes = { ...OURS, 'client.use.lightweight.access.token.enabled': 'true' }
  const found = findings([client('light', { ...GOOD, attributes })])
  assert.deepEqual(levels(found), { subjects: 'warning' })
  assert.match(found.get('subjects')?.says ?? '', /missing_claim/)
  const mapper = {
    name: 'audience api',
    protocolMapper: 'oidc-audience-mapper',
    config: { 'access.token.claim': 'true', 'included.custom.audience': 'api' },
  }
  assert.equal(
    findings([client('light', { ...GOOD, attributes, protocolMappers: [mapper] })]).get('audience')?.level,
    'failure',
  )
  const accepting = findings([client('light', { ...GOOD, attributes })], {
    realm: { name: 'acme', audience: 'api', subjectless: 'accept' },
  })
  assert.match(accepting.get('subjects')?.says ?? '', /only matches them by session/)
})

test("a client's own lifespan beyond maxLifetimeSeconds is a failure", () => {
  const found = findings([client('web', { ...GOOD, attributes: { ...OURS, 'access.token.lifespan': '301' } })])
  assert.deepEqual(levels(found), { client_lifetimes: 'failure' })
  assert.match(found.get('client_lifetimes')?.fix ?? '', /raise maxLifetimeSeconds, to 3456000 \(40 days\) at most/)
})

test('logouts of a realm without Admin URLs are only found by polling; counts many names', () => {
  const many = Array.from({ length: 7 }, (_, index) => client(`c${index}`, { ...GOOD, adminUrl: '', attributes: {} }))
  const found = findings(many)
  assert.equal(found.get('admin_urls')?.level, 'warning')
  assert.match(found.get('logout_urls')?.says ?? '', /^clients c0, c1, c2, c3, c4 and 2 more/)
})

test("skips Keycloak's own clients, disabled ones and service accounts", () => {
  const clients = [
    client('web', GOOD),
    client('account'),
    client('off', { enabled: false }),
    client('job', { standardFlowEnabled: false }),
  ]
  assert.deepEqual(levels(findings(clients)), {})
  assert.deepEqual(levels(findings([client('account')])), { clients: 'warning' })
})
