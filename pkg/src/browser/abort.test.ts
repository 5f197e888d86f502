// Aborting rejects a request at once, regardless of the operation that it waits for. That operation continues.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { silent } from '../test-fixtures/server.ts'
import { EXPIRED, GOOD, Issuer } from './testing/issuer.ts'
import { replace, TestPage } from './testing/page.ts'

const LIMIT = { timeout: 10_000 }
const ANSWER = { access_token: 'a0', refresh_token: 'r0', expires_in: 300 }

describe('session.fetch', () => {
  for (const kind of ['a signal', 'a Request with a signal'] as const) {
    test(
      `aborted by ${kind} during a refresh: the refresh continues, and other callers get its token`,
      LIMIT,
      async (t) => {
        TestPage.install(t, { locks: 'web' })
        const issuer = await Issuer.start(t)
        const session = issuer.open(t)
        await session.signIn(EXPIRED)
        const [asked, answer] = issuer.hold()
        const { signal, abort } = aborting()
        const url = `${issuer.server.url}/api`
        const aborted =
          kind === 'a signal' ? session.fetch(url, { signal }) : session.fetch(new Request(url, { signal }))
        const other = session.fetch(url)
        await asked
        abort('changed my mind')
        await assert.rejects(aborted, (reason) => reason === 'changed my mind')
        assert.deepEqual([issuer.refreshes, session.events], [1, ['signed-in']])
        answer(ANSWER)
        assert.equal((await other).status, 200)
        assert.deepEqual([issuer.refreshes, issuer.server.count('/api')], [1, 1])
      },
    )
  }

  test('aborted before the call: rejects without requesting tokens', LIMIT, async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const session = issuer.open(t)
    await session.signIn(EXPIRED)
    await assert.rejects(
      session.fetch(`${issuer.server.url}/api`, { signal: AbortSignal.abort('before') }),
      (reason) => reason === 'before',
    )
    assert.deepEqual([issuer.refreshes, issuer.server.count('/api')], [0, 0])
  })

  test('aborted while the tokens are loaded from storage', LIMIT, async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const session = issuer.open(t, {
      storage: { load: () => new Promise(() => undefined), save: () => undefined, clear: () => undefined },
    })
    const { signal, abort } = aborting()
    const aborted = session.fetch(`${issuer.server.url}/api`, { signal })
    abort('early')
    await assert.rejects(aborted, (reason) => reason === 'early')
    assert.equal(issuer.server.count('/api'), 0)
  })

  test('aborted while waiting for a refresh after a 401: is not retried', LIMIT, async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const session = issuer.open(t)
    await session.signIn({ ...GOOD, accessToken: 'revoked' })
    const [asked, answer] = issuer.hold()
    const { signal, abort } = aborting()
    const aborted = session.fetch(`${issuer.server.url}/api`, { signal, method: 'POST', body: 'x' })
    await asked
    abort('too late')
    await assert.rejects(aborted, (reason) => reason === 'too late')
    answer(ANSWER)
    assert.equal(await session.refresh(), 'refreshed')
    assert.deepEqual([await session.accessToken(), issuer.server.count('/api')], ['a0', 1])
  })

  test('aborted while the API does not respond', LIMIT, async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const session = issuer.open(t)
    await session.signIn(GOOD)
    const { signal, abort } = aborting()
    const arrived = new Promise(
      (resolve) => (issuer.server.listener = (request, response) => (resolve(0), silent()(request, response))),
    )
    const aborted = session.fetch(`${issuer.server.url}/api`, { signal })
    await arrived
    abort('tired')
    await assert.rejects(aborted, (reason) => reason === 'tired')
  })

  test('aborted in a browser without AbortSignal.reason: rejects with an AbortError', LIMIT, async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const session = issuer.open(t)
    await session.signIn(EXPIRED)
    const [asked] = issuer.hold()
    const own = Request
    // Node itself needs the reason, so only the signal that the session sees lacks it.
    replace(
      t,
      'Request',
      class extends own {
        override get signal(): AbortSignal {
          const { signal } = { signal: super.signal }
          return new Proxy(signal, {
            get(_, name) {
              const member: unknown = name === 'reason' ? undefined : Reflect.get(signal, name)
              return typeof member === 'function' ? member.bind(signal) : member
            },
          })
        }
      },
    )
    const { signal, abort } = aborting()
    const aborted = session.fetch(`${issuer.server.url}/api`, { signal })
    await asked
    abort(undefined)
    await assert.rejects(aborted, { name: 'AbortError' })
  })
})

function aborting(): { signal: AbortSignal; abort: (reason: unknown) => void } {
  const controller = new AbortController()
  return { signal: controller.signal, abort: (reason) => controller.abort(reason) }
}
