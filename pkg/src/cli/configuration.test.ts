// Connectors in a configuration: checked by their own rules, with secrets from the environment and files.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { generateFeedKey } from '../entry/origin/node.ts'
import { type Configuration, loadConfiguration } from './configuration.ts'
import { connectorsOf } from './connectors.ts'

const folder = mkdtempSync(join(tmpdir(), 'portcullis-configuration-'))
const REALM = {
  name: 'acme',
  issuer: 'https://id.example/realms/acme',
  audience: 'api',
  jwks: 'https://id.example/realms/acme/certs',
}
const KEYCLOAK = { kind: 'keycloak', baseUrl: 'https://id.example', realm: 'acme' }

before(async () => {
  writeFileSync(join(folder, 'feed-key.json'), JSON.stringify((await generateFeedKey()).signingKey))
  writeFileSync(join(folder, 'actor.secret'), 'secret of the actor\n')
})
after(() => rmSync(folder, { recursive: true, force: true }))

function load(connector: Record<string, unknown>, environment: NodeJS.ProcessEnv = {}): Configuration {
  const config = join(folder, 'portcullis.json')
  const store = { path: 'portcullis.db' }
  writeFileSync(
    config,
    JSON.stringify({ store, signingKey: { file: 'feed-key.json' }, realms: [REALM], connectors: [connector] }),
  )
  return loadConfiguration({ config }, environment)
}

test('reads secrets of accounts and streams from their locations', () => {
  const { connectors } = load(
    {
      ...KEYCLOAK,
      serviceAccount: { clientId: 'reader', clientSecret: { env: 'READER' } },
      actingAccount: { clientId: 'actor', clientSecret: { file: 'actor.secret' } },
      securityEvents: { authorization: { env: 'STREAM' } },
    },
    { READER: 'secret of the reader', STREAM: 'Bearer stream' },
  )
  const [connector] = connectors
  assert.equal(connector?.serviceAccount?.clientSecret, 'secret of the reader')
  assert.equal(connector?.actingAccount?.clientSecret, 'secret of the actor')
  assert.equal(connector?.securityEvents?.authorization, 'Bearer stream')
})

test('creates a connector for the realm that it names', () => {
  const [connector] = load({ ...KEYCLOAK, realm: 'Acme', originRealm: 'acme' }).connectors
  assert.ok(connector !== undefined)
  assert.deepEqual(
    connectorsOf([connector]).map(({ name, realm }) => ({ name, realm })),
    [{ name: 'keycloak', realm: 'acme' }],
  )
})

test('names the place of an error, without secrets', () => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ baseUrl: 'https://id.example', realm: 'acme' }, /options\.connectors\[0\]\.kind is missing/],
    [{ ...KEYCLOAK, kind: 'keycloack' }, /options\.connectors\[0\]\.kind must be 'keycloak'/],
    [{ ...KEYCLOAK, baseUrl: 'id.example' }, /options\.connectors\[0\]\.baseUrl must be an http: or https: URL/],
    [
      { ...KEYCLOAK, onGaps: 'report' },
      /options\.connectors\[0\] has an unknown option 'onGaps'; did you mean 'onGap'/,
    ],
    [
      { ...KEYCLOAK, consentRemoved: 'hidden' },
      /options\.connectors\[0\]\.consentRemoved must be 'grant' or 'user' or 'ignore'/,
    ],
    [
      { ...KEYCLOAK, serviceAccount: { clientId: 'reader', clientSecret: { env: 'NOT_SET' } } },
      /options\.connectors\[0\]\.serviceAccount\.clientSecret: the environment has no variable NOT_SET/,
    ],
    [
      { ...KEYCLOAK, actingAccount: { clientId: 'actor', clientSecret: { file: 'nowhere' } } },
      /options\.connectors\[0\]\.actingAccount\.clientSecret: .*nowhere cannot be read \(ENOENT\)/,
    ],
    [
      { ...KEYCLOAK, serviceAccount: { clientId: 'reader', clientSecret: 7, hidden: 1 } },
      /options\.connectors\[0\]\.serviceAccount has an unknown option/,
    ],
  ]
  for (const [connector, message] of cases) assert.throws(() => load(connector), message)
})

test('reads secrets of callers of Global Token Revocation from their locations; resolvers are code', () => {
  const config = join(folder, 'callers.json')
  const written = (globalTokenRevocation: object): void => {
    const realms = [REALM, { ...REALM, name: 'called', globalTokenRevocation }]
    writeFileSync(
      config,
      JSON.stringify({ store: { path: 'portcullis.db' }, signingKey: { file: 'feed-key.json' }, realms }),
    )
  }
  const audience = 'https://origin.example/realms/called/global-token-revocation'
  const caller = { issuer: 'https://acme.okta.example', jwks: 'https://acme.okta.example/keys', audience }
  written({ secrets: [{ env: 'CALLER' }, { file: 'actor.secret' }, 'written in the file'], callers: [caller] })
  const { realms } = loadConfiguration({ config }, { CALLER: 'secret of the caller' }).origin
  const secrets = ['secret of the caller', 'secret of the actor', 'written in the file']
  assert.deepEqual(realms[0], REALM)
  assert.deepEqual(realms[1]?.globalTokenRevocation, { secrets, callers: [caller] })
  const missing = /options\.realms\[1\]\.globalTokenRevocation\.secrets\[0\]: the environment has no variable CALLER/
  assert.throws(() => loadConfiguration({ config }, {}), missing)
  written({ secrets: [{ env: 'CALLER' }], subjectsOf: {} })
  assert.throws(
    () => loadConfiguration({ config }, { CALLER: 'x' }),
    /globalTokenRevocation has an unknown option 'subjectsOf'/,
  )
})
