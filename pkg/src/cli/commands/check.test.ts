// The check of identity servers and gates by the command: its findings are the output, and a failure is one of the command.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createGate } from '../../entry/edge/node.ts'
import { generateFeedKey, policyDigest } from '../../entry/origin/node.ts'
import { openFakeKeycloak } from '../../origin/connectors/keycloak/testing/fake-keycloak.ts'
import { json, TestServer } from '../../test-fixtures/server.ts'
import type { ConnectorFindings, GateFindings } from '../check/finding.ts'
import { CheckFailed, UsageError } from '../usage.ts'
import { check } from './check.ts'

const folder = mkdtempSync(join(tmpdir(), 'portcullis-check-'))
const config = join(folder, 'portcullis.json')
let baseUrl = ''

before(async () => {
  writeFileSync(join(folder, 'feed-key.json'), JSON.stringify((await generateFeedKey()).signingKey))
  const keycloak = await openFakeKeycloak()
  baseUrl = keycloak.baseUrl
  await keycloak.close()
})
after(() => rmSync(folder, { recursive: true, force: true }))

function online(connectors: object[], ...flags: string[]): Promise<string | void> {
  const realm = { name: 'acme', issuer: `${baseUrl}/realms/acme`, audience: 'api', jwks: `${baseUrl}/realms/acme/protocol/openid-connect/certs` }
  writeFileSync(config, JSON.stringify({ store: { path: 'portcullis.db' }, signingKey: { file: 'feed-key.json' }, realms: [realm], connectors }))
  return Promise.resolve(check.run({ values: { config }, flags: new Set(['online', ...flags]), positionals: [], environment: {} }))
}

async function failureOf(...flags: string[]): Promise<string> {
  const connector = { kind: 'keycloak', baseUrl, realm: 'acme', serviceAccount: { clientId: 'reader', clientSecret: 'secret-of-the-reader' } }
  const error = await online([connector], ...flags).then(
    () => assert.fail('the check found no failure'),
    (error: unknown) => error,
  )
  assert.ok(error instanceof CheckFailed)
  assert.doesNotMatch(error.output, /secret-of-the-reader/)
  return error.output
}

test('a Keycloak that cannot be reached fails the command, and the findings are printed', async () => {
  assert.match(await failureOf(), /is good: realms acme[^]*\nkeycloak, realm acme\n {2}failure {3}issuer: [^\n]*could not be reached/)
})

test('as JSON, the output is the findings and nothing else', async () => {
  const [{ connector, realm, findings } = assert.fail('no findings')] = JSON.parse(await failureOf('json')) as ConnectorFindings[]
  assert.deepEqual({ connector, realm, checks: findings.map(({ check, level }) => [check, level]) }, { connector: 'keycloak', realm: 'acme', checks: [['issuer', 'failure']] })
})

/** Checks a configuration without connectors against a gate's status. */
async function atGate(source: string, ...flags: string[]): Promise<{ output: string; outcome: 'good' | 'failed' }> {
  await online([]).catch(() => undefined)
  const input = { values: { config, status: source }, flags: new Set(['online', ...flags]), positionals: [], environment: {} }
  try {
    return { output: (await check.run(input)) ?? '', outcome: 'good' }
  } catch (error) {
    assert.ok(error instanceof CheckFailed, String(error))
    return { output: error.output, outcome: 'failed' }
  }
}

function statusFile(...realms: object[]): string {
  const file = join(folder, 'status.json')
  writeFileSync(file, JSON.stringify(realms))
  return file
}

const GOOD = { realm: 'acme', revocation: 'checked', loaded: true, keys: true, get policy() { return policyDigest({ name: 'acme', issuer: `${baseUrl}/realms/acme`, audience: 'api' }) } }

test('a gate that checks no revocation fails the command, by a file and by a URL', async (t) => {
  const jwks = { keys: [{ ...(await generateFeedKey()).publicKey, kid: 'first', alg: 'EdDSA' }] }
  const gate = createGate({ realms: [{ name: 'acme', issuer: `${baseUrl}/realms/acme`, audience: 'api', jwks, revocation: 'unchecked' }], onReport: () => undefined })
  t.after(() => gate.close())
  const server = await TestServer.start(json(gate.status()))
  t.after(() => server.close())
  for (const source of [statusFile(...gate.status()), `${server.url}/status`]) {
    const { output, outcome } = await atGate(source)
    assert.equal(outcome, 'failed')
    assert.match(output, /\ngate [^\n]*, realm acme\n {2}failure {3}revocation: no revocation is looked up[^\n]*\n {2}ok {8}policy: [^\n]*\n$/)
  }
})

test('a gate whose revocations are looked up by the same options is good', async () => {
  const { output, outcome } = await atGate(statusFile(GOOD), 'json')
  assert.equal(outcome, 'good')
  const [{ realm, findings } = assert.fail('no findings')] = JSON.parse(output) as GateFindings[]
  assert.deepEqual([realm, findings.map(({ check, level }) => [check, level])], ['acme', [['revocation', 'ok'], ['policy', 'ok'], ['state', 'ok']]])
})

test('each difference between gate and configuration has its level', async () => {
  const cases: [object[], string, string][] = [
    [[{ ...GOOD, policy: '1:00' }], 'failed', 'failure   policy'],
    [[{ ...GOOD, loaded: false }], 'failed', 'failure   state'],
    [[{ ...GOOD, keys: false }], 'failed', 'failure   state'],
    [[{ ...GOOD, revocation: undefined }], 'good', 'unchecked revocation'],
    [[GOOD, { ...GOOD, realm: 'partner', revocation: 'unchecked' }], 'failed', 'realm partner\n  failure   revocation'],
    [[{ ...GOOD, realm: 'partner' }], 'good', 'warning   realm'],
  ]
  for (const [realms, expected, text] of cases) {
    const { output, outcome } = await atGate(statusFile(...realms))
    assert.equal(outcome, expected, text)
    assert.ok(output.includes(text), output)
  }
})

test('what is no status is an error of usage', async (t) => {
  const server = await TestServer.start((_, response) => response.writeHead(404).end())
  t.after(() => server.close())
  const strange = join(folder, 'strange.json')
  for (const text of ['', '{', '[]', '{}', '"text"']) {
    writeFileSync(strange, text)
    await assert.rejects(atGate(strange), /is not what gate\.status\(\) returns/)
  }
  for (const source of [join(folder, 'gone.json'), `${server.url}/status`, 'http://gate.example/status', 'https://']) await assert.rejects(atGate(source))
  await assert.rejects(async () => check.run({ values: { config, status: strange }, flags: new Set(), positionals: [], environment: {} }), UsageError)
})

test('neither configuration nor schema knows a realm without revocation', async () => {
  await online([]).catch(() => undefined)
  const written = JSON.parse(readFileSync(config, 'utf8')) as { realms: object[] }
  writeFileSync(config, JSON.stringify({ ...written, realms: written.realms.map((realm) => ({ ...realm, revocation: 'unchecked' })) }))
  const input = { values: { config }, flags: new Set<string>(), positionals: [], environment: {} }
  await assert.rejects(async () => check.run(input), { code: 'invalid_option', message: /realms\[0\] has an unknown option 'revocation'/ })
  const schema = JSON.parse(readFileSync(new URL('../../../portcullis.schema.json', import.meta.url), 'utf8')) as { properties: { realms: { items: { properties: object; additionalProperties: unknown } } } }
  assert.equal('revocation' in schema.properties.realms.items.properties, false)
  assert.equal(schema.properties.realms.items.additionalProperties, false)
})

test('a configuration without connectors is an error of usage', async () => {
  await assert.rejects(online([]), UsageError)
})
