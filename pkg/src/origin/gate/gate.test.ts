import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ADMINISTRATOR, createTestIssuer, ISSUER, openStage } from '../testing/stage.ts'

/** A JWK set behind a fetch that can fail and counts calls. */
function certs(...keys: object[]): { fetch: typeof fetch; keys: object[]; status: number; calls: number } {
  const served = {
    keys,
    status: 200,
    calls: 0,
    fetch: async () => {
      served.calls += 1
      return Response.json({ keys: served.keys }, { status: served.status })
    },
  }
  return served
}

const URL_OF_CERTS = 'https://issuer.test/realms/acme/certs'

test('fetches keys once, and again when a token names a new one', async () => {
  const [first, second] = [await createTestIssuer(), await createTestIssuer()]
  const served = certs(first.jwk)
  const stage = await openStage({ realms: [{ ...first.realm, jwks: new URL(URL_OF_CERTS) }], fetch: served.fetch })
  try {
    for (let turn = 0; turn < 3; turn += 1) assert.equal((await stage.revoke(await first.token())).status, 200)
    assert.equal(served.calls, 1)
    served.keys = [first.jwk, second.jwk]
    assert.equal((await stage.revoke(await second.token())).status, 200)
    assert.equal(served.calls, 2)
    const admin = await second.token(ADMINISTRATOR)
    const response = await stage.get('/admin/realms/acme/users/bob/logout', {
      method: 'POST',
      headers: { authorization: `Bearer ${admin}` },
    })
    assert.equal(response.status, 204)
  } finally {
    await stage.close()
  }
})

test('garbage costs the issuer a bounded number of fetches', async () => {
  const issuer = await createTestIssuer()
  const served = certs(issuer.jwk)
  const stage = await openStage({ realms: [{ ...issuer.realm, jwks: URL_OF_CERTS }], fetch: served.fetch })
  try {
    for (let turn = 0; turn < 40; turn += 1) {
      assert.equal((await stage.revoke(await issuer.token({}, { kid: `unknown ${turn}` }))).status, 401)
    }
    assert.ok(served.calls <= 8, `${served.calls} fetches`)
  } finally {
    await stage.close()
  }
})

test('responds with 503 until keys are available', async () => {
  const issuer = await createTestIssuer()
  const served = certs(issuer.jwk)
  served.status = 500
  const stage = await openStage({ realms: [{ ...issuer.realm, jwks: URL_OF_CERTS }], fetch: served.fetch })
  try {
    const token = await issuer.token(ADMINISTRATOR)
    const revoke = await stage.revoke(token)
    assert.equal(revoke.status, 503)
    assert.ok(revoke.headers.has('retry-after'))
    const admin = await stage.get('/admin/realms/acme/users/bob/logout', {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    })
    assert.equal(admin.status, 503)
    served.status = 200
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    assert.equal((await stage.revoke(token)).status, 200)
    assert.deepEqual(
      stage.reports.map(({ kind, realm, error }) => [kind, realm, error?.code]),
      [
        ['jwks', 'acme', 'jwks_unreachable'],
        ['jwks', 'acme', undefined],
      ],
    )
  } finally {
    await stage.close()
  }
})

test('a function returns keys, and is called again for a new one', async () => {
  const [first, second] = [await createTestIssuer(), await createTestIssuer()]
  let keys = [first.jwk]
  let asked = 0
  const jwks = (): { keys: typeof keys } => {
    asked += 1
    return { keys }
  }
  const stage = await openStage({ realms: [{ ...first.realm, jwks }] })
  try {
    assert.equal(asked, 1)
    assert.equal((await stage.revoke(await first.token())).status, 200)
    keys = [second.jwk]
    assert.equal((await stage.revoke(await second.token())).status, 200)
    assert.equal(asked, 2)
  } finally {
    await stage.close()
  }
})

test("a hanging issuer of one realm does not delay another realm's tokens", async () => {
  const well = await createTestIssuer('well', `${ISSUER}/well`)
  const ill = await createTestIssuer('ill', `${ISSUER}/ill`)
  const hang: typeof fetch = (_, init) =>
    new Promise((_resolve, reject) => init?.signal?.addEventListener('abort', () => reject(new Error('aborted'))))
  const stage = await openStage({
    realms: [well.realm, { ...ill.realm, jwks: URL_OF_CERTS }],
    fetch: hang,
    jwksTimeoutMs: 5_000,
  })
  try {
    let isAnswered = false
    const held = stage.revoke(await ill.token()).finally(() => (isAnswered = true))
    assert.equal((await stage.revoke(await well.token())).status, 200)
    assert.ok(!isAnswered)
    assert.equal((await held).status, 503)
  } finally {
    await stage.close()
  }
})
