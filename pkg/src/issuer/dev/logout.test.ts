// The end of a session: by its ID token or its refresh token, never by a link; and the login that follows.

import assert from 'node:assert/strict'
import { decodeJwt } from 'jose'
import { after, before, describe, test } from 'node:test'
import { ask, errorOf, logIn, origin, refresh, ROOT, start, stop } from './testing/stage.ts'

before(start)
after(stop)

test('after a logout everywhere the next login waits for the next second, and its tokens are valid', async () => {
  for (let round = 0; round < 3; round += 1) {
    const sub = decodeJwt((await logIn()).access_token).sub ?? ''
    await origin.logoutUser('acme', sub)
    const { access_token: token } = await logIn()
    const { iat = 0 } = decodeJwt(token)
    assert.ok(iat > origin.userNotBefore('acme', sub))
    assert.ok(iat <= Date.now() / 1000)
  }
})

describe('logout', () => {
  const query = (parameters: Record<string, string>): string => `${ROOT}/logout?${new URLSearchParams(parameters)}`

  test('an ID token ends its session, expired or not', async () => {
    const tokens = await logIn('alice', { scope: 'openid' })
    const response = await ask(query({ id_token_hint: tokens.id_token ?? '', client_id: 'demo' }))
    assert.equal(response.status, 200)
    assert.deepEqual(await errorOf(await refresh(tokens.refresh_token)), [400, 'invalid_grant'])
    const short = await logIn('alice', { scope: 'openid', client_id: 'short' })
    await new Promise((resolve) => setTimeout(resolve, 2_100))
    const posted = { method: 'POST', body: new URLSearchParams({ id_token_hint: short.id_token ?? '' }) }
    assert.equal((await ask(`${ROOT}/logout`, posted)).status, 200)
  })

  test('redirects the browser only to registered URLs of the client', async () => {
    const uri = 'https://app.test/bye?x=1'
    const { id_token: hint = '' } = await logIn('alice', { scope: 'openid' })
    for (const wrong of ['https://evil.test/', `${uri}&y`, 'https://app.test/bye']) {
      assert.deepEqual(await errorOf(await ask(query({ id_token_hint: hint, post_logout_redirect_uri: wrong }))), [
        400,
        'invalid_request',
      ])
    }
    const response = await ask(query({ id_token_hint: hint, post_logout_redirect_uri: uri, state: 'a b' }))
    assert.equal(response.status, 303)
    assert.equal(response.headers.get('location'), 'https://app.test/bye?x=1&state=a+b')
  })

  test('a client may send its refresh token instead, as in Keycloak', async () => {
    const tokens = await logIn()
    const post = (parameters: Record<string, string>): Promise<Response> =>
      ask(`${ROOT}/logout`, { method: 'POST', body: new URLSearchParams(parameters) })
    assert.equal((await post({ client_id: 'short', refresh_token: tokens.refresh_token })).status, 400)
    assert.equal((await post({ client_id: 'demo', refresh_token: tokens.access_token })).status, 400)
    assert.equal((await post({ client_id: 'demo', refresh_token: tokens.refresh_token })).status, 204)
    assert.deepEqual(await errorOf(await refresh(tokens.refresh_token)), [400, 'invalid_grant'])
  })

  test('a link logs no user out', async () => {
    const { access_token: access, id_token: hint = '' } = await logIn('alice', { scope: 'openid' })
    for (const parameters of [
      {},
      { id_token_hint: 'x' },
      { id_token_hint: access },
      { id_token_hint: hint, client_id: 'short' },
      { logout_hint: 'alice' },
    ]) {
      assert.deepEqual(await errorOf(await ask(query(parameters as Record<string, string>))), [400, 'invalid_request'])
    }
  })
})
