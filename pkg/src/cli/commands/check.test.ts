// The check of identity servers by the command: its findings are the output, and a failure is one of the command.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { generateFeedKey } from '../../entry/origin/node.ts'
import { openFakeKeycloak } from '../../origin/connectors/keycloak/testing/fake-keycloak.ts'
import type { ConnectorFindings } from '../check/finding.ts'
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

test('a configuration without connectors is an error of usage', async () => {
  await assert.rejects(online([]), UsageError)
})
