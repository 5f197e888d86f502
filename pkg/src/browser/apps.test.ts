// Several apps on one web origin: tokens and logouts of one do not reach another.

import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { json, TestServer } from '../test-fixtures/server.ts'
import { logout, type LogoutOptions, onLogout, type Session, type SessionOptions } from './index.ts'
import { event, EXPIRED, GOOD, Issuer } from './testing/issuer.ts'
import { replace, TestPage } from './testing/page.ts'
import { storage } from './testing/storage.ts'
import { tokenOf } from './testing/token.ts'

const LIMIT = { timeout: 10_000 }

/** Waits until earlier messages have arrived, by waiting for a later one on another channel. */
async function settled(): Promise<void> {
  if (globalThis.BroadcastChannel === undefined) return
  const [from, to] = [new BroadcastChannel('settled'), new BroadcastChannel('settled')]
  await new Promise((resolve) => ((to.onmessage = resolve), from.postMessage(0)))
  from.close()
  to.close()
  await new Promise((resolve) => setImmediate(resolve))
}

type Difference = [what: string, more: (issuer: Issuer, other: Issuer) => Partial<SessionOptions>]

const OTHERS: Difference[] = [
  ['another client', () => ({ clientId: 'other' })],
  ['another client with the same prefix', () => ({ clientId: 'demo"' })],
  ['another token endpoint', (_, other) => ({ tokenUrl: `${other.server.url}/token` })],
  ['another realm at one issuer', (issuer) => ({ tokenUrl: `${issuer.server.url}/realms/b/token` })],
  ['another policy in the query', (issuer) => ({ tokenUrl: `${issuer.server.url}/token?p=b` })],
]

describe('tokens', () => {
  for (const channel of [undefined, 'shared by mistake']) {
    for (const [what, differently] of OTHERS) {
      test(`are not given to ${what}${channel === undefined ? '' : ' on the same channel'}`, LIMIT, async (t) => {
        TestPage.install(t)
        const [issuer, other] = [await Issuer.start(t), await Issuer.start(t)]
        const more = channel === undefined ? {} : { channel }
        const mine = issuer.open(t, more)
        const theirs = issuer.open(t, { ...more, ...differently(issuer, other) })
        await mine.signIn(GOOD)
        await settled()
        assert.deepEqual(
          [theirs.signedIn, await theirs.accessToken(), await theirs.refresh()],
          [false, undefined, 'signed_out'],
        )
        // A session opened later requests the tokens.
        const later = issuer.open(t, { ...more, ...differently(issuer, other) })
        assert.equal(await later.accessToken(), undefined)
        assert.deepEqual([issuer.refreshes, other.refreshes], [0, 0])
        assert.deepEqual([mine.events, theirs.events, later.events], [['signed-in'], [], []])
      })
    }
  }

  test('are not shared over another channel, even if everything else is the same', LIMIT, async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const other = issuer.open(t, { channel: 'other' })
    await issuer.open(t).signIn(GOOD)
    await settled()
    assert.deepEqual([other.signedIn, await other.accessToken()], [false, undefined])
  })

  const spellings: [string, (url: string) => string | URL][] = [
    ['a trailing slash', (url) => `${url}/token/`],
    ['dot segments', (url) => `${url}/realms/../token`],
    ['a scheme in capitals', (url) => `${url.replace('http', 'HTTP')}/token`],
    ['a fragment', (url) => `${url}/token#x`],
    ['an object', (url) => new URL('token', `${url}/x`)],
  ]
  for (const [what, spell] of spellings) {
    test(`are shared between two spellings of one endpoint: ${what}`, LIMIT, async (t) => {
      TestPage.install(t)
      const issuer = await Issuer.start(t)
      const other = issuer.open(t, { tokenUrl: spell(issuer.server.url) })
      const heard = event(other, 'signed-in')
      await issuer.open(t).signIn(GOOD)
      await heard
      assert.equal(await other.accessToken(), 'a0')
    })
  }

  test('in a storage shared by two apps by mistake are not sent to the other issuer', LIMIT, async (t) => {
    TestPage.install(t)
    const [issuer, other] = [await Issuer.start(t), await Issuer.start(t)]
    const store = storage()
    await issuer.open(t, { storage: store }).signIn(EXPIRED)
    const theirs = other.open(t, { storage: store })
    assert.deepEqual([await theirs.accessToken(), other.refreshes], [undefined, 0])
    // Tokens stored by an earlier version, which did not identify the session.
    const { session, ...unnamed } = store.held ?? {}
    assert.equal(typeof session, 'string')
    store.held = unnamed as typeof store.held
    assert.equal(await issuer.open(t, { channel: 'later', storage: store }).accessToken(), 'a1')
  })

  test('of two apps are refreshed at the same time', LIMIT, async (t) => {
    TestPage.install(t, { locks: 'web' })
    const [slow, quick] = [await Issuer.start(t), await Issuer.start(t)]
    const [asked, answer] = slow.hold()
    const [waits, goes] = [slow.open(t), quick.open(t)]
    await waits.signIn(EXPIRED)
    await goes.signIn(EXPIRED)
    const waiting = waits.accessToken()
    await asked
    assert.equal(await goes.accessToken(), 'a1')
    answer({ access_token: 'a1', refresh_token: 'r1' })
    assert.equal(await waiting, 'a1')
  })
})

describe('a logout of a session', () => {
  for (const [what, differently] of OTHERS) {
    test(`does not end a session of ${what}`, LIMIT, async (t) => {
      TestPage.install(t)
      const [issuer, other] = [await Issuer.start(t), await Issuer.start(t)]
      const options = { ...differently(issuer, other), storage: storage() }
      const [mine, alsoMine, theirs] = [issuer.open(t), issuer.open(t), issuer.open(t, options)]
      await theirs.signIn({ ...GOOD, accessToken: 'b0' })
      const signedIn = event(alsoMine, 'signed-in')
      await mine.signIn(GOOD)
      await signedIn
      const out = event(alsoMine, 'signed-out')
      await mine.logout()
      await out
      await settled()
      assert.deepEqual([theirs.signedIn, await theirs.accessToken(), theirs.events], [true, 'b0', ['signed-in']])
      // Nor is it recorded for a session opened later.
      assert.equal(await issuer.open(t, options).accessToken(), 'b0')
    })
  }
})

/** Returns two apps, each with a signed-in tab; the tokens are JWTs of two clients, or opaque. */
async function twoApps(
  t: TestContext,
  kind: 'jwt' | 'opaque',
): Promise<{ a: Session; b: Session; token: string; issuer: Issuer }> {
  const issuer = await Issuer.start(t)
  const token = kind === 'jwt' ? tokenOf({ iss: 'https://idp.example', azp: 'a', jti: '1' }) : 'opaque a'
  const [a, b] = [
    issuer.open(t, { clientId: 'a' }),
    issuer.open(t, { clientId: 'b', revokeUrl: `${issuer.server.url}/b/revoke` }),
  ]
  await a.signIn({ ...GOOD, accessToken: token })
  await b.signIn({
    ...GOOD,
    accessToken: kind === 'jwt' ? tokenOf({ iss: 'https://idp.example', azp: 'b', jti: '2' }) : 'opaque b',
  })
  return { a, b, token, issuer }
}

describe('a logout without a session', () => {
  const ways: [string, 'jwt' | 'opaque', (issuer: Issuer, token: string) => Partial<LogoutOptions>][] = [
    ['the access token', 'jwt', (_, accessToken) => ({ accessToken })],
    [
      'an older access token of the same login',
      'jwt',
      () => ({ accessToken: tokenOf({ iss: 'https://idp.example', client_id: 'a', jti: '0' }) }),
    ],
    [
      'the client',
      'opaque',
      (issuer, accessToken) => ({ accessToken, clientId: 'a', revokeUrl: `${issuer.server.url}/revoke` }),
    ],
    [
      'client and token endpoint',
      'opaque',
      (issuer, accessToken) => ({ accessToken, clientId: 'a', tokenUrl: `${issuer.server.url}/token/` }),
    ],
  ]
  for (const [what, kind, options] of ways) {
    for (const heard of ['at once', 'from the back-forward cache', 'when opened later'] as const) {
      test(`that names ${what} only ends its own session, ${heard}`, LIMIT, async (t) => {
        const page = TestPage.install(t)
        if (heard === 'from the back-forward cache') replace(t, 'BroadcastChannel', undefined)
        const stores = { a: storage(), b: storage() }
        const { a, b, token, issuer } = await twoApps(t, kind)
        const out = event(a, 'signed-out')
        await logout({ revokeUrl: `${issuer.server.url}/v1/revoke`, ...options(issuer, token) })
        if (heard === 'when opened later') {
          for (const [clientId, held] of [
            ['a', a],
            ['b', b],
          ] as const) {
            stores[clientId].held = { accessToken: (await held.accessToken()) ?? token, version: 1, login: 1 }
            held.close()
          }
          const later = (clientId: 'a' | 'b'): Session =>
            issuer.open(t, { clientId, channel: 'portcullis', storage: stores[clientId] })
          assert.equal(await later('a').accessToken(), undefined)
          assert.equal(await later('b').accessToken(), stores.b.held?.accessToken)
          return
        }
        if (heard === 'from the back-forward cache') page.dispatch('pageshow', { persisted: true })
        await out
        await settled()
        assert.deepEqual([a.signedIn, b.signedIn], [false, true])
      })
    }
  }

  test(
    'at one of two issuers with the same client name ends the session with its revocation endpoint',
    LIMIT,
    async (t) => {
      TestPage.install(t)
      const [issuer, other] = [await Issuer.start(t), await Issuer.start(t)]
      const [mine, theirs] = [issuer.open(t), other.open(t)]
      await mine.signIn(GOOD)
      await theirs.signIn(GOOD)
      const out = event(mine, 'signed-out')
      await logout({ revokeUrl: `${issuer.server.url}/revoke/`, clientId: 'demo', accessToken: 'a0' })
      await out
      await settled()
      assert.equal(theirs.signedIn, true)
    },
  )

  test('that names no app ends the session here, and does not block a login by cookie', LIMIT, async (t) => {
    TestPage.install(t)
    const server = await TestServer.start(json({ revoked: true }))
    t.after(() => server.close())
    const issuer = await Issuer.start(t)
    const session = issuer.open(t)
    await session.signIn(GOOD)
    const out = event(session, 'signed-out')
    await logout({ revokeUrl: server.url })
    await out
    assert.deepEqual(session.events, ['signed-in', 'signed-out: other_tab'])
    issuer.instead = json({ access_token: 'by cookie' })
    assert.equal(
      await issuer.open(t, { clientId: 'never signed in here', cookies: 'include' }).accessToken(),
      'by cookie',
    )
  })

  test('of two apps at once revokes both', LIMIT, async (t) => {
    TestPage.install(t)
    const { a, b, issuer } = await twoApps(t, 'opaque')
    const outs = [event(a, 'signed-out'), event(b, 'signed-out')]
    const { url } = issuer.server
    await Promise.all(
      ['a', 'b'].map((clientId) =>
        logout({ revokeUrl: `${url}/revoke`, clientId, tokenUrl: `${url}/token`, cookies: 'include' }),
      ),
    )
    await Promise.all(outs)
  })
})

test('onLogout is called for its own app, or for all apps if it names none', LIMIT, async (t) => {
  TestPage.install(t)
  const { a, b, issuer } = await twoApps(t, 'opaque')
  const tokenUrl = `${issuer.server.url}/token`
  const heard: string[] = []
  const listeners = {
    any: {},
    a: { clientId: 'a' },
    'a at its issuer': { clientId: 'a', tokenUrl },
    b: { clientId: 'b' },
    elsewhere: { tokenUrl: `${tokenUrl}/b` },
  }
  for (const [name, options] of Object.entries(listeners)) t.after(onLogout(() => heard.push(name), options))
  await a.logout()
  await settled()
  assert.deepEqual(heard.sort(), ['a', 'a at its issuer', 'any'])
  await b.logout()
  await settled()
  assert.deepEqual(heard.sort(), ['a', 'a at its issuer', 'any', 'any', 'b'])
})
