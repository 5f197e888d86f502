// The issuer's administration: users, sessions, refresh tokens, keys.

import assert from 'node:assert/strict'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { after, before, describe, test } from 'node:test'
import { errorOf, issuer, logIn, origin, refresh, start, stop, type Tokens } from './testing/stage.ts'

before(start)
after(stop)

describe('administration', () => {
  const administration = () => {
    assert.ok(issuer.realm.administration !== undefined)
    return issuer.realm.administration
  }

  test('lists users by a part of the name, in pages', async () => {
    const names = async (query: { search?: string; first: number; max: number }): Promise<string[]> =>
      (await administration().users(query)).map(({ username }) => username)
    assert.deepEqual(await names({ first: 0, max: 10 }), ['admin', 'alice', 'bob'])
    assert.deepEqual(await names({ first: 1, max: 1 }), ['alice'])
    assert.deepEqual(await names({ search: 'LI', first: 0, max: 10 }), ['alice'])
    assert.deepEqual(await names({ search: '%', first: 0, max: 10 }), [])
    const [admin] = await administration().users({ search: 'admin', first: 0, max: 10 })
    assert.equal(admin?.id, decodeJwt((await logIn('admin')).access_token).sub)
    assert.deepEqual(admin?.roles, ['portcullis-admin'])
  })

  test('lists the active sessions of a user', async () => {
    const { sub = '', sid } = decodeJwt((await logIn('bob')).access_token)
    const { sid: other } = decodeJwt((await logIn('bob')).access_token)
    const now = Math.floor(Date.now() / 1000)
    const sessions = (await administration().sessions(sub)) ?? []
    const found = sessions.find(({ id }) => id === sid)
    assert.deepEqual(
      { ...found, start: 0, lastAccess: 0 },
      { id: sid, userId: sub, username: 'bob', start: 0, lastAccess: 0, clients: ['demo'] },
    )
    assert.ok(Math.abs((found?.start ?? 0) - now) <= 2 && Math.abs((found?.lastAccess ?? 0) - now) <= 2)
    await administration().sessionEnded(String(sid))
    const left = ((await administration().sessions(sub)) ?? []).map(({ id }) => id)
    assert.ok(!left.includes(String(sid)) && left.includes(String(other)))
    assert.equal(await administration().sessions('nobody'), undefined)
  })

  test('knows its refresh tokens and no other token', async () => {
    const { refresh_token: token, access_token: access } = await logIn()
    const { sub, sid } = decodeJwt(access)
    assert.deepEqual(await administration().refreshToken(token), { client: 'demo', session: sid, subject: sub })
    await refresh(token)
    assert.deepEqual(await administration().refreshToken(token), { client: 'demo', session: sid, subject: sub })
    for (const wrong of [access, `${token}x`, '']) assert.equal(await administration().refreshToken(wrong), undefined)
  })

  test('adds and retires keys; a banned one no longer signs', async () => {
    const kidOf = (tokens: Tokens): string | undefined => decodeProtectedHeader(tokens.access_token).kid
    const old = await logIn()
    const added = await administration().addKey()
    assert.equal(added.status, 'ACTIVE')
    assert.equal(added.thumbprint, added.kid)
    const young = await logIn()
    assert.equal(kidOf(young), added.kid)
    assert.equal((await refresh(old.refresh_token)).status, 200)
    assert.equal(await administration().retireKey(added.kid), 'active')
    assert.equal(await administration().retireKey('no such key'), 'unknown')
    await origin.revokeToken(young.access_token)
    await origin.banKey('acme', added.kid)
    assert.equal(kidOf(await logIn()), kidOf(old))
    assert.deepEqual(await errorOf(await refresh(young.refresh_token)), [400, 'invalid_grant'])
    const status = new Map((await administration().keys()).map((key) => [key.kid, key.status]))
    assert.equal(status.get(added.kid), 'DISABLED')
    assert.equal(status.get(kidOf(old) ?? ''), 'ACTIVE')
    await origin.banKey('acme', kidOf(old) ?? '', { force: true })
    const made = kidOf(await logIn())
    assert.ok(made !== added.kid && made !== kidOf(old))
    assert.equal(await administration().retireKey(added.kid), 'retired')
    assert.deepEqual(
      (await administration().keys()).map(({ kid }) => kid),
      [made, kidOf(old)],
    )
  })
})
