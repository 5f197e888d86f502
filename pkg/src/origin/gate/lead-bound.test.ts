// The limit on a token's `iat` that gates receive includes the measured lead of the issuer's clock.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createOrigin, generateFeedKey } from '../../entry/origin/node.ts'
import { ADMINISTRATOR, createTestIssuer } from '../testing/stage.ts'
import { freshStore } from '../testing/stores.ts'

const now = (): number => Math.floor(Date.now() / 1000)

test("accepts a token as far ahead as the issuer's clock once that lead has been measured", async (t) => {
  const issuer = await createTestIssuer()
  let aheadSeconds = 0
  const origin = await createOrigin({
    store: freshStore(),
    signingKey: (await generateFeedKey()).signingKey,
    skewSeconds: 60,
    realms: [{ ...issuer.realm, jwks: 'https://issuer.test/certs', issuerSkewSeconds: 2 }],
    fetch: async () =>
      Response.json(
        { keys: [issuer.jwk] },
        { headers: { date: new Date((now() + aheadSeconds) * 1000).toUTCString() } },
      ),
  })
  t.after(() => origin.close())
  await origin.publishKeys('acme')
  const reasonOf = async (): Promise<string> => {
    const iat = now() + 40
    const token = await issuer.token({ ...ADMINISTRATOR, iat, exp: iat + 300 })
    const request = new Request('http://localhost/admin/realms/acme/edges', {
      headers: { authorization: `Bearer ${token}` },
    })
    const response = await origin.fetch(request)
    return response.status === 200
      ? 'accepted'
      : ((await response.json()) as { error_description: string }).error_description
  }
  assert.match(await reasonOf(), /issued in the future|not valid yet|issued_in_future/i)

  aheadSeconds = 45
  await origin.publishKeys('acme')
  let found = await reasonOf()
  for (const startedAt = Date.now(); found !== 'accepted' && Date.now() - startedAt < 20_000; found = await reasonOf())
    await pause(250)
  assert.equal(found, 'accepted')
})
