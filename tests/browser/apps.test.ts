// Two apps on one web origin, in a real Chromium: neither sees the other's tokens or is signed out by the other's
// logout.

import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { openChromium, skip } from './chromium.ts'
import {
  accessToken,
  type BarePage,
  createSession,
  openStage,
  openTab,
  type Issuer,
  type PageSession,
  signIn,
  type Stage,
  waitSignedIn,
  waitSignedOut,
} from './issuer-stage.ts'

declare const window: Window & BarePage

const LIMIT = { skip, timeout: 60_000 }
let stage: Stage
let browser: Browser | undefined

before(async () => {
  if (skip !== false) return
  stage = await openStage()
  browser = await openChromium()
})
after(async () => {
  await browser?.close()
  await stage?.close()
})

async function openContext(t: TestContext): Promise<BrowserContext> {
  assert.ok(browser !== undefined)
  const context = await browser.newContext()
  t.after(() => context.close())
  return context
}

const DIFFERENCES: [string, (issuer: Issuer, other: Issuer) => [PageSession, PageSession]][] = [
  [
    'client and issuer differ',
    (a, b) => [
      { issuer: a, clientId: 'a' },
      { issuer: b, clientId: 'b' },
    ],
  ],
  [
    'only the client differs',
    (a) => [
      { issuer: a, clientId: 'a' },
      { issuer: a, clientId: 'b' },
    ],
  ],
  ['only the issuer differs', (a, b) => [{ issuer: a }, { issuer: b }]],
  [
    'only the channel differs',
    (a) => [
      { issuer: a, channel: 'a' },
      { issuer: a, channel: 'b' },
    ],
  ],
  [
    'the channel is shared by mistake',
    (a, b) => [
      { issuer: a, channel: 'x' },
      { issuer: b, channel: 'x' },
    ],
  ],
]

for (const [index, [what, differ]] of DIFFERENCES.entries()) {
  test(`two tabs of each app, ${what}: no token passes between apps`, LIMIT, async (t) => {
    const context = await openContext(t)
    const [a, b] = [stage.issuer(`a${index}`), stage.issuer(`b${index}`)]
    const [optionsA, optionsB] = differ(a, b)
    const open = async (options: PageSession): Promise<Page> => createSession(await openTab(context, stage), options)
    const [firstA, secondA, firstB, secondB] = [
      await open(optionsA),
      await open(optionsA),
      await open(optionsB),
      await open(optionsB),
    ]

    await signIn(firstA, optionsA.issuer.tokens(optionsA.clientId))
    await waitSignedIn(secondA)
    // A tab that is opened later asks the others for a session and waits for a response.
    const lateB = await open(optionsB)
    assert.equal((await accessToken(lateB)).jti, undefined)
    assert.equal(await firstB.evaluate(() => window.session.refresh()), 'signed_out')
    assert.deepEqual([a.presented, b.presented], [[], []])

    const tokensB = { ...optionsB.issuer.tokens(optionsB.clientId), accessToken: 'b' }
    await signIn(firstB, tokensB)
    await waitSignedIn(secondB)
    assert.deepEqual([(await accessToken(firstA)).jti, (await accessToken(secondB)).jti], ['a0', 'b'])

    await firstA.evaluate(() => window.session.logout())
    await waitSignedOut(secondA)
    assert.deepEqual(await secondB.evaluate(() => window.events), ['signed-in'])
    await secondB.evaluate(() => window.session.logout())
    await waitSignedOut(firstB)
  })
}

test('a logout without a session ends the session of its access token and no other', LIMIT, async (t) => {
  const context = await openContext(t)
  const issuer = stage.issuer('bare')
  const open = async (clientId: string): Promise<Page> => {
    const page = await createSession(await openTab(context, stage), { issuer, clientId })
    await signIn(page, issuer.tokens(clientId))
    return page
  }
  const [a, b] = [await open('a'), await open('b')]
  const elsewhere = await openTab(context, stage)
  const { accessToken: token } = issuer.tokens('a')
  await elsewhere.evaluate(
    (accessToken) => window.portcullis.logout({ revokeUrl: `${location.origin}/revoke`, accessToken }),
    token,
  )
  await waitSignedOut(a)
  assert.equal((await accessToken(b)).jti, 'a0')
  await elsewhere.evaluate(
    (url) => window.portcullis.logout({ revokeUrl: `${url}/revoke`, clientId: 'b', tokenUrl: `${url}/token` }),
    issuer.url,
  )
  await waitSignedOut(b)
})
