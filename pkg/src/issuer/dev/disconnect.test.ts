// A disconnected app, and a key with a not-before: earlier tokens are refused, and the next login works.

import assert from 'node:assert/strict'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { after, before, describe, test } from 'node:test'
import { errorOf, issuer, logIn, origin, refresh, start, stop, type Tokens } from './testing/stage.ts'

before(start)
after(stop)

const BACKEND = { client_id: 'backend', client_secret: 'backend-secret' }
const subjectOf = ({ access_token: token }: Tokens): string => String(decodeJwt(token).sub)

/** Judges the access token as an edge does. */
function refuses({ access_token: token }: Tokens): string | undefined {
  const { sub, sid, azp, iat = 0, exp = 0 } = decodeJwt<{ sid: string; azp: string }>(token)
  const keyThumbprint = String(decodeProtectedHeader(token).kid)
  return origin.refuses('acme', {
    subject: String(sub),
    session: sid,
    authorizedParty: azp,
    keyThumbprint,
    issuedAt: iat,
    expiresAt: exp,
  })
}

describe('an app that is disconnected', () => {
  test("cannot refresh; the user's other apps and the app's other users can", async () => {
    const [phone, laptop] = [await logIn('alice', BACKEND), await logIn('alice', BACKEND)]
    const [other, bob] = [await logIn('alice'), await logIn('bob', BACKEND)]
    await origin.endGrant('acme', subjectOf(phone), 'backend')
    for (const gone of [phone, laptop]) {
      assert.equal(refuses(gone), 'grant_revoked')
      assert.deepEqual(await errorOf(await refresh(gone.refresh_token, BACKEND)), [400, 'invalid_grant'])
    }
    const [line] = await origin.audit.list({ realm: 'acme', action: 'refresh_refused', limit: 1 })
    assert.equal(line?.detail, 'grant_revoked')
    for (const [lives, client] of [
      [other, {}],
      [bob, BACKEND],
    ] as const) {
      assert.equal(refuses(lives), undefined)
      assert.equal((await refresh(lives.refresh_token, client)).status, 200)
    }
  })

  test('has no session left', async () => {
    const login = await logIn('alice', BACKEND)
    const sub = subjectOf(login)
    const clients = async (): Promise<string[]> =>
      ((await issuer.realm.administration?.sessions(sub)) ?? []).flatMap((session) => session.clients)
    assert.ok((await clients()).includes('backend'))
    await origin.endGrant('acme', sub, 'backend')
    assert.ok(!(await clients()).includes('backend') && (await clients()).includes('demo'))
  })

  test('is connected again by a login, which waits for the next second', async () => {
    for (let round = 0; round < 3; round += 1) {
      const before = await logIn('alice', BACKEND)
      await origin.endGrant('acme', subjectOf(before), 'backend')
      const again = await logIn('alice', BACKEND)
      const { iat = 0 } = decodeJwt(again.access_token)
      assert.ok(iat > origin.grantNotBefore('acme', subjectOf(before), 'backend') && iat <= Date.now() / 1000)
      assert.equal(refuses(again), undefined)
      assert.equal((await refresh(again.refresh_token, BACKEND)).status, 200)
      assert.deepEqual(await errorOf(await refresh(before.refresh_token, BACKEND)), [400, 'invalid_grant'])
    }
  })

  test('continues if it was disconnected by mistake', async () => {
    const login = await logIn('alice', BACKEND)
    await origin.endGrant('acme', subjectOf(login), 'backend')
    assert.equal((await refresh(login.refresh_token, BACKEND)).status, 400)
    await origin.correct('acme', { kind: 'grant', subject: subjectOf(login), client: 'backend' }, { reason: 'a test' })
    assert.equal((await refresh(login.refresh_token, BACKEND)).status, 200)
  })
})

describe('a key with a not-before', () => {
  const kidOf = ({ access_token: token }: Tokens): string => String(decodeProtectedHeader(token).kid)

  test('continues to sign: its earlier tokens, including refresh tokens, are refused, and the next login is accepted', async () => {
    for (let round = 0; round < 3; round += 1) {
      const old = await logIn('alice')
      await origin.raiseKeyNotBefore('acme', kidOf(old))
      assert.equal(refuses(old), 'banned_key')
      assert.deepEqual(await errorOf(await refresh(old.refresh_token)), [400, 'invalid_grant'])
      const [line] = await origin.audit.list({ realm: 'acme', action: 'refresh_refused', limit: 1 })
      assert.equal(line?.detail, 'banned_key')
      const next = await logIn('alice')
      assert.equal(kidOf(next), kidOf(old))
      assert.equal(refuses(next), undefined)
      assert.equal((await refresh(next.refresh_token)).status, 200)
    }
  })

  test('in the past does not affect later tokens', async () => {
    const login = await logIn('bob')
    await origin.raiseKeyNotBefore('acme', kidOf(login), { notBefore: (decodeJwt(login.access_token).iat ?? 0) - 1 })
    assert.equal(refuses(login), undefined)
    assert.equal((await refresh(login.refresh_token)).status, 200)
  })

  test('a session with a refresh token signed by another key continues in the next second with valid tokens', async () => {
    const old = await logIn('alice')
    const added = await issuer.realm.administration?.addKey()
    assert.ok(added !== undefined)
    await origin.publishKeys('acme')
    await origin.raiseKeyNotBefore('acme', added.kid)
    const response = await refresh(old.refresh_token)
    assert.equal(response.status, 200)
    const next = (await response.json()) as Tokens
    assert.equal(kidOf(next), added.kid)
    assert.equal(refuses(next), undefined)
  })

  test('in the future ends no session: a refresh gets 503, and its token is valid later', async () => {
    const old = await logIn('alice')
    const added = await issuer.realm.administration?.addKey()
    assert.ok(added !== undefined)
    await origin.publishKeys('acme')
    await origin.raiseKeyNotBefore('acme', added.kid, { occurredAt: Math.floor(Date.now() / 1000) + 600 })
    const busy = await refresh(old.refresh_token)
    assert.deepEqual([busy.status, busy.headers.get('retry-after')], [503, '2'])
    await origin.correct('acme', { kind: 'keyNotBefore', thumbprint: added.thumbprint }, { reason: 'a test' })
    assert.equal((await refresh(old.refresh_token)).status, 200)
  })
})
