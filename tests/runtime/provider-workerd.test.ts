// A provider from end to end: it issues tokens, a worker accepts them, and its logout token to the origin revokes them.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { oidcConnector } from 'portcullis/connectors/oidc'
import { createOrigin, generateFeedKey } from 'portcullis/origin'
import { memoryStore } from 'portcullis/origin/memory'
import { serve } from 'portcullis/origin/node'
import { authentik } from 'portcullis/providers'
import { freePort, pause } from '../../www/demo/child.ts'
import { serveWorker } from '../../www/demo/workerd.ts'
import type { ProviderWorkerEnv } from './provider-worker.ts'

/** A generous bound for a pulling gate on a loaded machine. */
const LIMIT_MS = 20_000
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'

test("authentik's tokens are accepted in workerd until the session's logout", { timeout: 60_000 }, async (t) => {
  const provider = await openProvider(t)
  const { signingKey, publicKey } = await generateFeedKey()
  const realm = authentik({ baseUrl: provider.url, application: 'notes', clientId: 'notes-app' })
  const connectors = [oidcConnector({ realm: 'notes', untypedLogoutTokens: 'accept' })]
  const origin = await createOrigin({ store: memoryStore(), signingKey, realms: [realm], connectors })
  t.after(() => origin.close())
  const server = await serve(origin, { port: 0 })
  t.after(() => server.close())
  const ask = await openWorker(t, {
    BASE_URL: provider.url,
    FEED_URL: `${server.url}/feed/notes`,
    FEED_KEY: JSON.stringify(publicKey),
  })

  const [phone, laptop] = await Promise.all(['phone', 'laptop'].map((sid) => provider.accessToken({ sid, uid: sid })))
  assert.deepEqual([await ask(phone), await ask(laptop)], [200, 200])
  for (const wrong of [{ uid: undefined }, { aud: 'wiki-app' }, { iss: `${provider.url}/application/o/wiki/` }]) {
    assert.equal(
      await ask(await provider.accessToken({ sid: 'phone', uid: 'phone', ...wrong })),
      401,
      JSON.stringify(wrong),
    )
  }

  const body = new URLSearchParams({ logout_token: await provider.logoutToken('phone') })
  assert.equal((await fetch(`${server.url}/realms/notes/backchannel-logout`, { method: 'POST', body })).status, 200)
  const until = Date.now() + LIMIT_MS
  while ((await ask(phone)) === 200 && Date.now() < until) await pause(100)
  assert.deepEqual([await ask(phone), await ask(laptop)], [401, 200])
})

interface TestProvider {
  url: string
  /** Signs a user's access token with `claims` added or replaced; `undefined` removes a claim. */
  accessToken(claims: Record<string, unknown>): Promise<string>
  logoutToken(sid: string): Promise<string>
}

/** Starts a provider that publishes its keys where authentik does and signs with jose. */
async function openProvider(t: TestContext): Promise<TestProvider> {
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'k', use: 'sig' }]
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/application/o/notes/jwks/' ? 200 : 404
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }))
  })
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  t.after(() => server.close().closeAllConnections())
  const url = `http://127.0.0.1:${port}`
  const sign = (claims: Record<string, unknown>): Promise<string> => {
    const iat = Math.floor(Date.now() / 1000) - 10
    const whole = { iss: `${url}/application/o/notes/`, aud: 'notes-app', sub: 'ada', iat, exp: iat + 3600, ...claims }
    return new SignJWT(whole).setProtectedHeader({ alg: 'RS256', kid: 'k', typ: 'JWT' }).sign(privateKey)
  }
  return {
    url,
    accessToken: (claims) => sign({ azp: 'notes-app', ...claims }),
    logoutToken: (sid) => sign({ sid, jti: `logout of ${sid}`, events: { [LOGOUT_EVENT]: {} } }),
  }
}

/** Resolves to a function that returns the status of a request with a token. */
async function openWorker(
  t: TestContext,
  env: ProviderWorkerEnv,
): Promise<(token: string | undefined) => Promise<number>> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const port = await freePort()
  const entry = fileURLToPath(new URL('provider-worker.ts', import.meta.url))
  const worker = await serveWorker({
    name: 'provider worker',
    entry,
    folder,
    port,
    bindings: { ...env },
    readyPath: '/',
  })
  t.after(() => worker.stop())
  return async (token) =>
    (await fetch(`http://127.0.0.1:${port}/`, { headers: { authorization: `Bearer ${token}` } })).status
}
