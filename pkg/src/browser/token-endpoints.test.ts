// Tests the tables of www/docs/token-endpoints.md: each row is a response of a token endpoint and its effect on the
// session.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { describe, test, type TestContext } from 'node:test'
import type { SessionOptions, StoredTokens, TokenResponse } from './index.ts'
import { event, EXPIRED, Issuer } from './testing/issuer.ts'
import { TestPage } from './testing/page.ts'
import { storage } from './testing/storage.ts'
import { tokenOf } from './testing/token.ts'

const PAGE = readFileSync(new URL('../../../www/docs/token-endpoints.md', import.meta.url), 'utf8')
const LIMIT = { timeout: 10_000 }

/** Returns the cells of each row of a table. */
function rowsOf(name: string): string[][] {
  const [, table = ''] = new RegExp(`<!-- table: ${name} -->\n(.*?)<!-- /table -->`, 's').exec(PAGE) ?? []
  const [, , ...rows] = table.trim().split('\n')
  assert.ok(rows.length > 20)
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )
}

function codeOf(cell = ''): string[] {
  return [...cell.matchAll(/`([^`]*)`/g)].map(([, code = '']) => code)
}

/** Sends the status, headers and body of a row. */
function send(response: ServerResponse, [status = '', ...headers]: string[], body = ''): void {
  response.setHeader('content-type', body.startsWith('<') ? 'text/html' : 'application/json')
  for (const header of headers) response.setHeader(...(header.split(/: (.*)/, 2) as [string, string]))
  response.writeHead(Number(status)).end(body)
}

interface Opened {
  issuer: Issuer
  session: ReturnType<Issuer['open']>
  /** The response that came with each event. */
  responses: [event: string, response: TokenResponse | undefined][]
  saved: { held: StoredTokens | undefined }
  /** Advances the clocks. */
  pass(ms: number): void
}

/** Returns a session whose access token has expired. */
async function open(t: TestContext, nowMs: number, more: Partial<SessionOptions> = {}): Promise<Opened> {
  TestPage.install(t)
  t.mock.timers.enable({ apis: ['Date'], now: nowMs })
  let passedMs = 0
  const now = performance.now.bind(performance)
  t.mock.method(performance, 'now', () => now() + passedMs)
  const issuer = await Issuer.start(t)
  const saved = storage()
  const session = issuer.open(t, { storage: saved, ...more })
  const responses: Opened['responses'] = []
  for (const name of ['signed-in', 'refreshed'] as const)
    session.on(name, (response) => responses.push([name, response]))
  session.on('signed-out', (_, response) => responses.push(['signed-out', response]))
  await session.signIn(EXPIRED)
  return { issuer, session, responses: (responses.splice(0), responses), saved, pass: (ms) => void (passedMs += ms) }
}

describe('refusals and failures', () => {
  for (const [sent = '', body = '', expected = ''] of rowsOf('failures')) {
    test(`${sent} ${body}`, LIMIT, async (t) => {
      const { issuer, session, responses, pass } = await open(t, Date.UTC(2027, 0, 15, 8))
      issuer.instead = (_, response) => send(response, codeOf(sent), codeOf(body)[0])
      const outcome = await session.refresh()
      assert.equal(issuer.server.count('/login'), 0)
      if (expected === 'signed out') {
        assert.deepEqual(
          [outcome, session.signedIn, session.events],
          ['signed_out', false, ['signed-in', 'signed-out: refused']],
        )
        const [[, response] = []] = responses
        assert.deepEqual(response, body.includes('{') ? JSON.parse(codeOf(body)[0] ?? '') : {})
        return
      }
      const [, seconds] = /^unavailable, (\d+) s$/.exec(expected) ?? assert.fail(expected)
      assert.deepEqual(
        [outcome, session.signedIn, session.events, issuer.refreshes],
        ['unavailable', true, ['signed-in'], 1],
      )
      // The test itself takes less than a second.
      pass(Number(seconds) * 1_000 - 900)
      assert.deepEqual([await session.accessToken(), issuer.refreshes], [undefined, 1])
      if (sent.includes('Retry-After') && Number(seconds) > 1)
        assert.deepEqual([await session.refresh(), issuer.refreshes], ['unavailable', 1])
      pass(900)
      issuer.instead = undefined
      assert.deepEqual([await session.accessToken(), issuer.refreshes], ['a1', 2])
    })
  }
})

describe('successes', () => {
  const NOW = 1_800_000_000
  for (const [status = '', body = '', claims = '', lives = '', refreshToken = ''] of rowsOf('successes')) {
    test(`${status} ${body} ${claims}`, LIMIT, async (t) => {
      const { issuer, session, responses, saved } = await open(t, NOW * 1_000)
      const [claimed] = codeOf(claims)
      const token = claimed === undefined ? 'a' : tokenOf(JSON.parse(claimed))
      const sent = (codeOf(body)[0] ?? '').replace('"a"', `"${token}"`)
      issuer.instead = (_, response) => send(response, codeOf(status), sent)
      assert.equal(await session.refresh(), 'refreshed')
      const { expiresAtMs, ...kept } = saved.held ?? assert.fail('nothing is stored')
      const seconds = /^([\d.]+) s$/.exec(lives)?.[1]
      assert.equal(seconds === undefined, lives === 'until it is refused')
      assert.equal(expiresAtMs, seconds && (NOW + Number(seconds)) * 1_000)
      assert.deepEqual([kept.accessToken, kept.refreshToken], [token, refreshToken === 'new' ? 'r' : 'r0'])
      assert.deepEqual(responses, [['refreshed', JSON.parse(sent)]])
      // The token is not only stored: it is used, and the next refresh sends the right one.
      assert.equal(await session.accessToken(), token)
      const { form } = issuer
      issuer.instead = (_, response) => send(response, ['400'], '{}')
      await session.refresh()
      assert.notEqual(issuer.form, form)
      assert.equal(issuer.form.get('refresh_token'), kept.refreshToken)
    })
  }
})

describe('the whole response', () => {
  const ANSWER = { access_token: 'a1', refresh_token: 'r1', expires_in: 300, id_token: 'the ID token', scope: 'openid' }

  test('reaches the listeners of the requesting tab, no other tab and no storage', LIMIT, async (t) => {
    const { issuer, session, responses, saved } = await open(t, Date.now())
    const other = issuer.open(t)
    const [ofOther, overheard]: [unknown[], string[]] = [[], []]
    other.on('signed-in', (response) => ofOther.push(response))
    other.on('refreshed', (response) => ofOther.push(response))
    await event(other, 'signed-in')
    const { name } = issuer.app()
    for (const channel of ['portcullis', `portcullis:${name}`]) {
      const spy = new BroadcastChannel(channel)
      t.after(() => spy.close())
      spy.onmessage = ({ data }: MessageEvent<unknown>) => overheard.push(JSON.stringify(data))
    }
    issuer.instead = (_, response) => send(response, ['200'], JSON.stringify(ANSWER))
    const heard = new Promise((resolve) => other.on('refreshed', resolve))
    assert.equal(await session.refresh(), 'refreshed')
    await heard
    assert.deepEqual(responses, [['refreshed', ANSWER]])
    assert.deepEqual(ofOther, [undefined, undefined])
    while (!overheard.some((message) => message.includes('"a1"'))) await new Promise((resolve) => setImmediate(resolve))
    for (const place of [
      ...overheard,
      JSON.stringify(saved.held),
      JSON.stringify([...(localStorage as unknown as { items: Map<string, string> }).items]),
    ]) {
      assert.doesNotMatch(place, /the ID token|scope/)
    }
  })

  test('comes with signed-in if the login is in a cookie', LIMIT, async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    issuer.instead = (_, response) => send(response, ['200'], JSON.stringify(ANSWER))
    const session = issuer.open(t, { cookies: 'include' })
    const given: unknown[] = []
    session.on('signed-in', (response) => given.push(response))
    assert.deepEqual([await session.accessToken(), given], ['a1', [ANSWER]])
  })
})

describe('parameters', () => {
  test('are sent with each refresh', LIMIT, async (t) => {
    const { issuer, session } = await open(t, Date.now(), {
      parameters: { scope: 'openid profile', resource: 'https://api.example/?a=b&c', empty: '' },
    })
    await session.refresh()
    await session.refresh()
    assert.equal(
      issuer.form.toString(),
      'scope=openid+profile&resource=https%3A%2F%2Fapi.example%2F%3Fa%3Db%26c&empty=&grant_type=refresh_token&client_id=demo&refresh_token=r1',
    )
  })

  test("are refused if they are the session's own or not strings", async (t) => {
    const issuer = await Issuer.start(t)
    const wrong = [
      { grant_type: 'password' },
      { client_id: 'other' },
      { refresh_token: 's3cret' },
      { scope: undefined },
      { scope: null },
      { scope: 7 },
      { resource: ['a'] },
      ['a'],
      'scope=a',
      null,
    ]
    for (const parameters of wrong) {
      assert.throws(
        () => issuer.open(t, { parameters: parameters as unknown as Record<string, string> }),
        (error: Error) => {
          assert.doesNotMatch(error.message, /s3cret|password/)
          return /^options.parameters must be an object of strings without grant_type, client_id and refresh_token/.test(
            error.message,
          )
        },
      )
    }
  })
})
