// The check of identity servers and gates by the command: its findings are the output, and a failure makes the command
// fail.

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { createGate } from '../../entry/edge/node.ts'
import { generateFeedKey, policyDigest } from '../../entry/origin/node.ts'
import { openFakeKeycloak } from '../../origin/connectors/keycloak/testing/fake-keycloak.ts'
import { json, type Listener, page, redirect, TestServer } from '../../test-fixtures/server.ts'
import type { JWK } from '../../types.ts'
import type { Findings } from '../check/finding.ts'
import { CheckFailed, UsageError } from '../usage.ts'
import { check } from './check.ts'

const folder = mkdtempSync(join(tmpdir(), 'portcullis-check-'))
const config = join(folder, 'portcullis.json')
/** A URL at which nothing listens any more. */
let baseUrl = ''
/** An issuer and an origin with the responses below. */
let site: TestServer
let answers: Record<string, Listener>
let key: JWK

before(async () => {
  writeFileSync(join(folder, 'feed-key.json'), JSON.stringify((await generateFeedKey()).signingKey))
  const keycloak = await openFakeKeycloak()
  baseUrl = keycloak.baseUrl
  await keycloak.close()
  key = { ...(await generateFeedKey()).publicKey, kid: 'first', alg: 'EdDSA' }
  site = await TestServer.start((request, response) => (answers[request.url ?? ''] ?? page(404))(request, response))
})
beforeEach(() => {
  answers = {
    '/realms/acme/.well-known/openid-configuration': json({ issuer: issuer(), jwks_uri: `${issuer()}/certs` }),
    '/realms/acme/certs': json({ keys: [key] }),
    '/healthz': json({ status: 'ok', realms: { acme: { sequence: 7 } } }),
  }
})
after(async () => {
  await site.close()
  rmSync(folder, { recursive: true, force: true })
})

function issuer(): string {
  return `${site.url}/realms/acme`
}

function online(connectors: object[], ...flags: string[]): Promise<string | void> {
  const realm = {
    name: 'acme',
    issuer: `${baseUrl}/realms/acme`,
    audience: 'api',
    jwks: `${baseUrl}/realms/acme/protocol/openid-connect/certs`,
  }
  writeFileSync(
    config,
    JSON.stringify({
      listen: { port: 0 },
      store: { path: 'portcullis.db' },
      signingKey: { file: 'feed-key.json' },
      realms: [realm],
      connectors,
    }),
  )
  return Promise.resolve(
    check.run({ values: { config }, flags: new Set(['online', ...flags]), positionals: [], environment: {} }),
  )
}

async function failureOf(...flags: string[]): Promise<string> {
  const connector = {
    kind: 'keycloak',
    baseUrl,
    realm: 'acme',
    serviceAccount: { clientId: 'reader', clientSecret: 'secret-of-the-reader' },
  }
  const error = await online([connector], ...flags).then(
    () => assert.fail('the check found no failure'),
    (error: unknown) => error,
  )
  assert.ok(error instanceof CheckFailed)
  assert.doesNotMatch(error.output, /secret-of-the-reader/)
  return error.output
}

test('fails if Keycloak cannot be reached, and prints the findings', async () => {
  assert.match(
    await failureOf(),
    /is valid: realms acme[^]*\nissuer http:[^]*\nkeycloak, realm acme\n {2}failure {3}issuer: [^\n]*could not be reached/,
  )
})

test('with --json, the output is exactly the findings', async () => {
  const all = JSON.parse(await failureOf('json')) as Findings[]
  const { connector, realm, findings } = all.find((each) => 'connector' in each) ?? assert.fail('no findings')
  assert.deepEqual(
    { connector, realm, checks: findings.map(({ check, level }) => [check, level]) },
    { connector: 'keycloak', realm: 'acme', checks: [['issuer', 'failure']] },
  )
})

/** Checks a configuration of the issuer above, with changes to its realm; the origin is the one above. */
async function checkSite(
  values: Record<string, string> = {},
  realm: Record<string, unknown> = {},
  ...flags: string[]
): Promise<{ output: string; outcome: 'good' | 'failed' }> {
  const good = { name: 'acme', issuer: issuer(), audience: 'api', jwks: `${issuer()}/certs`, ...realm }
  writeFileSync(
    config,
    JSON.stringify({
      listen: { port: 0 },
      store: { path: 'portcullis.db' },
      signingKey: { file: 'feed-key.json' },
      realms: [good],
    }),
  )
  const input = {
    values: { config, origin: site.url, ...values },
    flags: new Set(['online', ...flags]),
    positionals: [],
    environment: {},
  }
  try {
    return { output: (await check.run(input)) ?? '', outcome: 'good' }
  } catch (error) {
    assert.ok(error instanceof CheckFailed, String(error))
    return { output: error.output, outcome: 'failed' }
  }
}

/** Checks against a gate's status. */
function atGate(source: string, ...flags: string[]): Promise<{ output: string; outcome: 'good' | 'failed' }> {
  return checkSite({ status: source }, {}, ...flags)
}

function statusFile(...realms: object[]): string {
  const file = join(folder, 'status.json')
  writeFileSync(file, JSON.stringify(realms))
  return file
}

const GOOD = {
  realm: 'acme',
  revocation: 'checked',
  loaded: true,
  keys: true,
  get policy() {
    return policyDigest({ name: 'acme', issuer: issuer(), audience: 'api' })
  },
}

test('fails for a gate without revocation, from a file and from a URL', async (t) => {
  const gate = createGate({
    realms: [{ name: 'acme', issuer: issuer(), audience: 'api', jwks: { keys: [key] }, revocation: 'unchecked' }],
    onReport: () => undefined,
  })
  t.after(() => gate.close())
  const server = await TestServer.start(json(gate.status()))
  t.after(() => server.close())
  for (const source of [statusFile(...gate.status()), `${server.url}/status`]) {
    const { output, outcome } = await atGate(source)
    assert.equal(outcome, 'failed')
    assert.match(
      output,
      /\ngate [^\n]*, realm acme\n {2}failure {3}revocation: no revocation is looked up[^\n]*\n {2}ok {8}policy: [^\n]*\n$/,
    )
  }
})

test('accepts a gate that looks up revocations with the same options', async () => {
  const { output, outcome } = await atGate(statusFile(GOOD), 'json')
  assert.equal(outcome, 'good')
  const all = JSON.parse(output) as Findings[]
  const { realm, findings } = all.find((each) => 'gate' in each) ?? assert.fail('no findings')
  assert.deepEqual(
    [realm, findings.map(({ check, level }) => [check, level])],
    [
      'acme',
      [
        ['revocation', 'ok'],
        ['policy', 'ok'],
        ['state', 'ok'],
      ],
    ],
  )
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

test('anything but a status is a usage error', async (t) => {
  const server = await TestServer.start((_, response) => response.writeHead(404).end())
  t.after(() => server.close())
  const strange = join(folder, 'strange.json')
  for (const text of ['', '{', '[]', '{}', '"text"']) {
    writeFileSync(strange, text)
    await assert.rejects(atGate(strange), /not the result of gate\.status\(\)/)
  }
  for (const source of [join(folder, 'gone.json'), `${server.url}/status`, 'http://gate.example/status', 'https://'])
    await assert.rejects(atGate(source))
  await assert.rejects(
    async () => check.run({ values: { config, status: strange }, flags: new Set(), positionals: [], environment: {} }),
    UsageError,
  )
})

test('neither configuration nor schema allows a realm without revocation', async () => {
  await online([]).catch(() => undefined)
  const written = JSON.parse(readFileSync(config, 'utf8')) as { realms: object[] }
  writeFileSync(
    config,
    JSON.stringify({ ...written, realms: written.realms.map((realm) => ({ ...realm, revocation: 'unchecked' })) }),
  )
  const input = { values: { config }, flags: new Set<string>(), positionals: [], environment: {} }
  await assert.rejects(async () => check.run(input), {
    code: 'invalid_option',
    message: /realms\[0\] has an unknown option 'revocation'/,
  })
  const schema = JSON.parse(readFileSync(new URL('../../../portcullis.schema.json', import.meta.url), 'utf8')) as {
    properties: { realms: { items: { properties: object; additionalProperties: unknown } } }
  }
  assert.equal('revocation' in schema.properties.realms.items.properties, false)
  assert.equal(schema.properties.realms.items.additionalProperties, false)
})

/** The lines of the findings about issuer and origin. */
function linesOf(output: string): string {
  return output.replace(/^[^]*?\n(?=issuer )/, '').replaceAll(site.url, 'SITE')
}

test('checks issuer, keys and the running origin without connectors', async () => {
  const { output, outcome } = await checkSite()
  assert.equal(outcome, 'good')
  assert.equal(
    linesOf(output),
    `issuer SITE/realms/acme, realm acme
  ok        issuer: the issuer names itself "SITE/realms/acme", as options.realms[0].issuer does
  ok        keys: one key for signatures: EdDSA
origin SITE/
  ok        health: the origin accepts revocations
  ok        realm: realm acme is at sequence 7
`,
  )
})

const OPENID = '/realms/acme/.well-known/openid-configuration'
const KEYS = '/realms/acme/certs'

test('each response of an issuer and an origin has its finding', async () => {
  const short = {
    ...generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' }),
    kid: 'short',
  }
  const cases: [string, () => void, Record<string, unknown>, string, RegExp][] = [
    [
      'a slash too much',
      () => (answers[OPENID] = json({ issuer: `${issuer()}/` })),
      {},
      'failed',
      /failure {3}issuer: the issuer names itself "SITE\/realms\/acme\/", and options\.realms\[0\]\.issuer is "SITE\/realms\/acme": they differ in the trailing slash: all its tokens are refused \(wrong_issuer\)/,
    ],
    [
      'another name',
      () => (answers[OPENID] = json({ issuer: 'https://id.example' })),
      {},
      'failed',
      /failure {3}issuer: the issuer names itself "https:\/\/id\.example", and options\.realms\[0\]\.issuer is "SITE/,
    ],
    [
      'no name',
      () => (answers[OPENID] = json({ issuer: null })),
      {},
      'failed',
      /failure {3}issuer: the issuer's metadata does not name it/,
    ],
    [
      'the metadata of RFC 8414',
      () => (
        (answers[OPENID] = page(404)),
        (answers['/.well-known/oauth-authorization-server/realms/acme'] = json({ issuer: issuer() }))
      ),
      {},
      'good',
      /ok {8}issuer: the issuer names itself/,
    ],
    [
      'no metadata',
      () => (answers[OPENID] = page(404)),
      {},
      'good',
      /unchecked issuer: 127\.0\.0\.1:\d+ has no metadata for "SITE/,
    ],
    [
      'a page for metadata',
      () => (answers[OPENID] = page(200)),
      {},
      'failed',
      /failure {3}issuer: .*something other than a JSON object/,
    ],
    [
      'a redirect',
      () => (answers[OPENID] = redirect('https://elsewhere.example/')),
      {},
      'failed',
      /failure {3}issuer: .*redirect/,
    ],
    [
      'an issuer that is not a URL',
      () => undefined,
      { issuer: 'inhouse' },
      'good',
      /unchecked issuer: "inhouse" is not a URL/,
    ],
    [
      'one of two names is another',
      () => undefined,
      { issuer: [issuer(), `${site.url}/realms/old`], sameSubjects: true },
      'good',
      /ok {8}issuer[^]*unchecked issuer: .*no metadata for "SITE\/realms\/old"/,
    ],
    [
      'keys elsewhere',
      () => (answers[OPENID] = json({ issuer: issuer(), jwks_uri: 'https://id.example/certs' })),
      {},
      'good',
      /warning {3}key_url: the issuer names "https:\/\/id\.example\/certs" for its keys, and options\.realms\[0\]\.jwks is "SITE\/realms\/acme\/certs"/,
    ],
    [
      'no keys',
      () => (answers[KEYS] = page(404)),
      {},
      'failed',
      /failure {3}keys: the keys cannot be used: .* responded with 404 for the JWK set[^]*check options\.realms\[0\]\.jwks/,
    ],
    ['an empty set', () => (answers[KEYS] = json({ keys: [] })), {}, 'failed', /failure {3}keys: .*no usable key/],
    [
      'a key that is skipped beside a good one',
      () => (answers[KEYS] = json({ keys: [key, short] })),
      {},
      'good',
      /ok {8}keys: one key[^]*warning {3}skipped_keys: .*keys\[1\] \(kid "short"\): too_short[^]*options\.realms\[0\]\.jwks/,
    ],
    [
      'a key for encryption beside a good one',
      () => (answers[KEYS] = json({ keys: [{ ...short, use: 'enc' }, key] })),
      {},
      'good',
      /ok {8}keys: one key[^]*ok {8}skipped_keys: .*keys\[0\] \(kid "short"\): not_for_verification/,
    ],
    ['a page for keys', () => (answers[KEYS] = page(200)), {}, 'failed', /failure {3}keys: .*did not return a JWK set/],
    [
      'keys of another algorithm',
      () => undefined,
      { algorithms: ['ES256'] },
      'failed',
      /failure {3}keys: one key for signatures: EdDSA; options\.realms\[0\]\.algorithms accepts ES256: all tokens are refused \(unsupported_algorithm\)/,
    ],
    [
      'an origin that fails',
      () => (answers['/healthz'] = json({ status: 'failing', error: 'store_unavailable', realms: {} }, 503)),
      {},
      'failed',
      /failure {3}health: the origin accepts no revocations: "store_unavailable"/,
    ],
    [
      'an origin with other realms',
      () => (answers['/healthz'] = json({ status: 'ok', realms: { other: { sequence: 1 } } })),
      {},
      'failed',
      /failure {3}realm: the origin does not have realm acme[^]*warning {3}realm: .*lacks: "other"/,
    ],
    [
      'another server in its place',
      () => (answers['/healthz'] = page(200)),
      {},
      'failed',
      /failure {3}health: SITE\/healthz responded with 200, which is not the response of an origin; check --origin/,
    ],
    [
      'an origin that wants TLS',
      () => (answers['/healthz'] = json({ error: 'https_required' }, 403)),
      {},
      'failed',
      /failure {3}health: .*403.*use its https: URL for --origin/,
    ],
  ]
  const before = { ...answers }
  for (const [what, change, realm, expected, finding] of cases) {
    answers = { ...before }
    change()
    const { output, outcome } = await checkSite({}, realm)
    assert.match(linesOf(output), finding, what)
    assert.equal(outcome, expected, what)
  }
})

test('an unreachable origin and issuer are failures with their cause', async () => {
  const { output, outcome } = await checkSite({ origin: baseUrl }, { issuer: `${baseUrl}/realms/acme` })
  assert.equal(outcome, 'failed')
  assert.match(
    output,
    /failure {3}issuer: 127\.0\.0\.1:\d+ could not be reached[^]*failure {3}health: 127\.0\.0\.1:\d+ could not be reached.*; start the origin with portcullis serve, or check --origin\n/,
  )
})

test('strings from a server are quoted, truncated, and move no cursor', async () => {
  answers[OPENID] = json({ issuer: `\u001b]0;owned\u0007${'x'.repeat(10_000)}` })
  const { output } = await checkSite()
  assert.match(output, /names itself "\\u001b\]0;owned\\u0007x{180,200}…"/)
})

test('options that need --online are refused without it, and a bad --origin is a usage error', async () => {
  const run = (values: Record<string, string>, ...flags: string[]): Promise<unknown> =>
    check.run({ values: { config, ...values }, flags: new Set(flags), positionals: [], environment: {} })
  await checkSite()
  await assert.rejects(run({ origin: site.url }), /--origin needs --online/)
  for (const origin of [
    '',
    'localhost',
    'ftp://origin.example',
    'https://a:b@origin.example',
    'https://origin.example/?a',
  ]) {
    await assert.rejects(run({ origin }, 'online'), UsageError)
  }
})
