// POST /realms/{realm}/global-token-revocation: the users to which an identifier maps.

import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { FoundSubjects } from '../../connectors/global-revocation.ts'
import type { GlobalTokenRevocationOptions, SubjectResolvers } from '../../index.ts'
import {
  ALICE,
  acme,
  call,
  callerOf,
  OKTA,
  okta,
  openRealms,
  SECRET,
  sequencesOf,
  statusOf,
} from '../../testing/revocation-callers.ts'
import { ISSUER, openStage, type Stage } from '../../testing/stage.ts'

let stage: Stage

describe('an identifier', () => {
  before(async () => {
    stage = await openRealms({ secrets: [SECRET] })
  })
  after(() => stage.close())

  const malformed: [string, unknown][] = [
    ['no body', ''],
    ['no JSON', '{'],
    ['a list', []],
    ['null', 'null'],
    ['no identifier', {}],
    ['an identifier that is null', { sub_id: null }],
    ['an identifier that is a string', { sub_id: 'alice' }],
    ['an identifier that is a list', { sub_id: [ALICE] }],
    ['both of its names', { sub_id: ALICE, subject: ALICE }],
    ['an extra member', { sub_id: ALICE, reason: 'x' }],
    ['no format', { sub_id: { iss: ISSUER, sub: 'alice' } }],
    ['a format that is a number', { sub_id: { ...ALICE, format: 1 } }],
    ['an unknown format', { sub_id: { format: 'uid', id: 'alice' } }],
    ['a format named like an inherited member', { sub_id: { format: 'constructor', id: 'alice' } }],
    ['several', { sub_id: { format: 'aliases', identifiers: [ALICE] } }],
    ['a format without a resolver', { sub_id: { format: 'email', email: 'alice@example.com' } }],
    ['a telephone number without a resolver', { sub_id: { format: 'phone_number', phone_number: '+12065550100' } }],
    ['no issuer', { sub_id: { format: 'iss_sub', sub: 'alice' } }],
    ['a member of another format', { sub_id: { ...ALICE, email: 'alice@example.com' } }],
    ['an empty name', { sub_id: { ...ALICE, sub: '' } }],
    ['a name that is an object', { sub_id: { ...ALICE, sub: { $gt: '' } } }],
    ['a name that is too long', { sub_id: { ...ALICE, sub: 'ä'.repeat(513) } }],
    ['a name with a lone surrogate', { sub_id: { ...ALICE, sub: '\ud800' } }],
    ['a duplicate member', `{"sub_id":{"format":"opaque","id":"bob","id":"alice"}}`],
    ['a duplicate identifier', `{"sub_id":{"format":"opaque","id":"bob"},"sub_id":{"format":"opaque","id":"alice"}}`],
  ]
  for (const [name, body] of malformed) {
    test(`${name}: 400, and nothing is recorded`, async () => {
      const before = sequencesOf(stage)
      const response = await call(stage, SECRET, body)
      const { error } = (await response.json()) as { error: string }
      assert.deepEqual([response.status, error], [400, 'invalid_request'])
      assert.deepEqual(sequencesOf(stage), before)
    })
  }

  test('in a form, or of 100 KB: 400 and 413', async () => {
    assert.equal((await call(stage, SECRET, 'sub_id=alice', { type: 'application/x-www-form-urlencoded' })).status, 400)
    assert.equal(await statusOf(stage, SECRET, { sub_id: { format: 'opaque', id: 'x'.repeat(100_000) } }), 413)
  })

  test('of a foreign issuer: 404', async () => {
    for (const iss of ['https://elsewhere.example', `${ISSUER}/`, ISSUER.toUpperCase()]) {
      const response = await call(stage, SECRET, { sub_id: { ...ALICE, iss } })
      assert.deepEqual([response.status, ((await response.json()) as { error: string }).error], [404, 'user_not_found'])
    }
  })
})

describe('a resolver', () => {
  afterEach(() => stage.close())
  const mail = (email: string): object => ({ sub_id: { format: 'email', email } })

  async function openWith(subjectsOf: SubjectResolvers): Promise<void> {
    stage = await openRealms({ secrets: [SECRET], callers: [callerOf('acme')], subjectsOf })
  }

  test('gets the identifier unchanged and the caller; all users that it returns are logged out', async () => {
    const seen: unknown[] = []
    await openWith({
      async email(identifier, request) {
        seen.push([identifier, request])
        return ['alice', 'bob', 'alice']
      },
    })
    const address = ' ÄLICE+x@Example.COM'
    assert.equal(await statusOf(stage, SECRET, mail(address)), 204)
    assert.equal(await statusOf(stage, await okta.jwt(), mail('"a@b"@example.com')), 204)
    assert.deepEqual(seen, [
      [{ format: 'email', email: address }, { caller: undefined }],
      [{ format: 'email', email: '"a@b"@example.com' }, { caller: OKTA }],
    ])
    for (const sub of ['alice', 'bob']) assert.ok(stage.origin.userNotBefore('acme', sub) > 0)
    for (const email of ['alice', '@', 'alice@', '@example.com', 'alice@exa\nmple.com', 'a\u0000@b']) {
      assert.equal(await statusOf(stage, SECRET, mail(email)), 400, email)
    }
    assert.equal(seen.length, 2)
  })

  test('may handle any format, also instead of its default meaning', async () => {
    await openWith({
      account: ({ uri }) => uri.slice('acct:'.length),
      did: ({ url }) => url,
      iss_sub: ({ iss, sub }, { caller }) =>
        iss === 'https://upstream.example' && caller === undefined ? `upstream|${sub}` : undefined,
      opaque: ({ id }) => (id === 'alice' ? 'a1' : undefined),
      phone_number: ({ phone_number }) => phone_number,
      uri: async ({ uri }) => [uri],
    })
    const found: [object, string][] = [
      [{ format: 'account', uri: 'acct:alice@example.com' }, 'alice@example.com'],
      [{ format: 'did', url: 'did:example:123' }, 'did:example:123'],
      [{ format: 'iss_sub', iss: 'https://upstream.example', sub: '7' }, 'upstream|7'],
      [{ format: 'opaque', id: 'alice' }, 'a1'],
      [{ format: 'phone_number', phone_number: '+12065550100' }, '+12065550100'],
      [{ format: 'uri', uri: 'urn:alice' }, 'urn:alice'],
    ]
    for (const [identifier, sub] of found) {
      assert.equal(await statusOf(stage, SECRET, { sub_id: identifier }), 204)
      assert.ok(stage.origin.userNotBefore('acme', sub) > 0, sub)
    }
    assert.equal(await statusOf(stage, SECRET, { sub_id: ALICE }), 404)
    assert.equal(
      await statusOf(stage, await okta.jwt(), {
        sub_id: { format: 'iss_sub', iss: 'https://upstream.example', sub: '8' },
      }),
      404,
    )
  })

  const outcomes: [string, () => unknown, number, string?][] = [
    ['undefined', () => undefined, 404],
    ['null', () => null, 404],
    ['an empty list', () => [], 404],
    ['a promise of undefined', async () => undefined, 404],
    ['an empty name', () => '', 422, 'cannot_revoke'],
    ['a number', () => 7, 422, 'cannot_revoke'],
    ['a user of a foreign issuer', () => ({ iss: 'https://elsewhere.example', sub: 'alice' }), 422, 'cannot_revoke'],
    ['an object without a name', () => ({ id: 'alice' }), 422, 'cannot_revoke'],
    ['a set', () => new Set(['alice']), 422, 'cannot_revoke'],
    ['a lone surrogate', () => 'alice\udc00', 422, 'cannot_revoke'],
    ['a name of 2 KB', () => 'x'.repeat(2_048), 422, 'cannot_revoke'],
    ['a valid name and an invalid one', () => ['alice', ''], 422, 'cannot_revoke'],
    ['101 names', () => Array.from({ length: 101 }, (_, index) => `user${index}`), 422, 'cannot_revoke'],
    ['a million names', () => Array.from({ length: 1_000_000 }, (_, index) => `user${index}`), 422, 'cannot_revoke'],
    [
      'an error',
      () => {
        throw new Error('alice must not be revealed')
      },
      500,
      'resolver_failed',
    ],
    ['a rejection', () => Promise.reject(new Error('alice must not be revealed')), 500, 'resolver_failed'],
  ]
  for (const [name, email, status, reported] of outcomes) {
    test(`that returns ${name}: ${status}, and nothing is recorded`, async () => {
      await openWith({ email: email as () => string })
      const before = sequencesOf(stage)
      const response = await call(stage, SECRET, mail('alice@example.com'))
      assert.equal(response.status, status)
      assert.doesNotMatch(await response.text(), /alice|told/)
      assert.deepEqual(sequencesOf(stage), before)
      const reports = stage.reports.filter(({ condition }) => condition === 'subjectsOf')
      assert.deepEqual(
        reports.map(({ error }) => error?.detail),
        reported === undefined ? [] : [reported],
      )
      assert.ok(reports.every(({ error }) => !/alice/.test(error?.message ?? '')))
    })
  }

  test('that never resolves: 503 after five seconds, without delaying other callers', async (t) => {
    let [asked, answered] = [0, 0]
    await openWith({ email: () => new Promise(() => void (asked += 1)) })
    const before = sequencesOf(stage)
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const waiting = Array.from({ length: 20 }, async () => {
      const response = await call(stage, SECRET, mail('alice@example.com'))
      answered += 1
      return response
    })
    while (asked < waiting.length) await new Promise(setImmediate)
    t.mock.timers.tick(4_999)
    assert.equal(await statusOf(stage, SECRET, { sub_id: { format: 'opaque', id: 'bob' } }), 204)
    assert.equal(answered, 0)
    t.mock.timers.tick(1)
    for (const { status, headers } of await Promise.all(waiting))
      assert.deepEqual([status, headers.get('retry-after')], [503, '2'])
    assert.equal(sequencesOf(stage)[0], (before[0] ?? 0) + 1)
  })
})

test('if tenants have separate users, a user belongs to the named tenant', async () => {
  const pattern = 'https://issuer.test/{tid}/v2.0'
  const [one, two] = ['one', 'two'].map((tenant) => pattern.replace('{tid}', tenant)) as [string, string]
  const both = [one, two].map((iss) => ({ iss, sub: 'bob' }))
  const email = ({ email }: { email: string }): FoundSubjects => (email === 'both@example.com' ? both : 'bob')
  const globalTokenRevocation: GlobalTokenRevocationOptions = { secrets: [SECRET], subjectsOf: { email } }
  stage = await openStage({
    realms: [{ ...acme.realm, issuer: pattern, tenants: ['one', 'two'], globalTokenRevocation }],
  })
  const notBefore = (issuer: string, sub: string): number => stage.origin.userNotBefore('acme', sub, { issuer })
  try {
    assert.equal(await statusOf(stage, SECRET, { sub_id: { ...ALICE, iss: one } }), 204)
    assert.deepEqual([notBefore(one, 'alice') > 0, notBefore(two, 'alice')], [true, 0])
    assert.equal(await statusOf(stage, SECRET, { sub_id: { ...ALICE, iss: pattern.replace('{tid}', 'three') } }), 404)
    assert.equal(await statusOf(stage, SECRET, { sub_id: { ...ALICE, iss: pattern } }), 404)
    assert.equal(await statusOf(stage, SECRET, { sub_id: { format: 'opaque', id: 'alice' } }), 400)
    assert.equal(await statusOf(stage, SECRET, { sub_id: { format: 'email', email: 'bob@example.com' } }), 422)
    assert.deepEqual([notBefore(one, 'bob'), notBefore(two, 'bob')], [0, 0])
    assert.equal(await statusOf(stage, SECRET, { sub_id: { format: 'email', email: 'both@example.com' } }), 204)
    assert.ok(notBefore(one, 'bob') > 0 && notBefore(two, 'bob') > 0)
  } finally {
    await stage.close()
  }
})

test('a tenant that calls may name only its own users, also through a resolver', async () => {
  const pattern = 'https://issuer.test/{tid}/v2.0'
  const [one, two] = ['one', 'two'].map((tenant) => pattern.replace('{tid}', tenant)) as [string, string]
  const callers = [{ ...callerOf('acme'), issuer: one }, callerOf('acme')]
  const email = (): FoundSubjects => [one, two].map((iss) => ({ iss, sub: 'bob' }))
  const globalTokenRevocation: GlobalTokenRevocationOptions = { callers, subjectsOf: { email } }
  stage = await openStage({
    realms: [{ ...acme.realm, issuer: pattern, tenants: ['one', 'two'], globalTokenRevocation }],
  })
  const notBefore = (issuer: string, sub: string): number => stage.origin.userNotBefore('acme', sub, { issuer })
  const tenantCalls = async (body: unknown): Promise<number> => statusOf(stage, await okta.jwt({ iss: one }), body)
  try {
    assert.equal(await tenantCalls({ sub_id: { ...ALICE, iss: two } }), 404)
    assert.equal(await tenantCalls({ sub_id: { format: 'email', email: 'bob@example.com' } }), 404)
    assert.deepEqual([notBefore(two, 'alice'), notBefore(one, 'bob'), notBefore(two, 'bob')], [0, 0, 0])
    assert.equal(await tenantCalls({ sub_id: { ...ALICE, iss: one } }), 204)
    assert.ok(notBefore(one, 'alice') > 0)
    // A caller whose issuer is not one of the realm's names may revoke under every name.
    assert.equal(await statusOf(stage, await okta.jwt(), { sub_id: { ...ALICE, iss: two } }), 204)
    assert.ok(notBefore(two, 'alice') > 0)
  } finally {
    await stage.close()
  }
})
