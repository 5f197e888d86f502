// The examples in www/examples, each in its own project with the packed package and the real frameworks: no token 401,
// a valid one 200, a missing scope 403, and 401 once the token is revoked at the example's origin.

import assert from 'node:assert/strict'
import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { Child, freePort, pause } from '../../www/demo/child.ts'
import { Issuer } from './issuer.ts'
import { serveNext } from './next.ts'
import { EXAMPLES, linkDriver, NODE, Packed, run } from './project.ts'

const require = createRequire(import.meta.url)
const ENFORCED_MS = 5000

/** Returns the status of a request to the example. GET needs the scope notes:read, POST needs notes:write. */
type Ask = (method: 'GET' | 'POST', token?: string) => Promise<number>

let packed: Packed
let issuer: Issuer
let origin: Child
let originUrl = ''
let signingKey = ''
let environment: Record<string, string> = {}

before(async () => {
  packed = await Packed.make()
  issuer = await Issuer.start()
  const project = await packed.example('node-origin', ['better-sqlite3'])
  await linkDriver(project)
  await run('npm', ['run', '--silent', 'keygen'], { cwd: project })
  const port = await freePort()
  signingKey = await readFile(join(project, 'feed-key.json'), 'utf8')
  originUrl = `http://127.0.0.1:${port}`
  origin = new Child(
    'origin',
    NODE,
    ['origin.js'],
    { ISSUER: issuer.url, FEED_SIGNING_KEY: signingKey, PORT: String(port) },
    project,
  )
  await origin.ready(`${originUrl}/healthz`)
  const publicKey = await readFile(join(project, 'feed-key.public.json'), 'utf8')
  environment = { ISSUER: issuer.url, ORIGIN: originUrl, FEED_KEY: publicKey }
})

after(async () => {
  await origin?.stop()
  issuer?.close()
  await packed?.close()
})

for (const name of ['express', 'fastify', 'hono']) {
  test(name, { timeout: 120_000 }, async () => {
    const project = await packed.example(name)
    const port = await freePort()
    const server = new Child(name, NODE, ['app.js'], { ...environment, PORT: String(port) }, project)
    try {
      await server.ready(`http://127.0.0.1:${port}/`)
      await probe(overHttp(port))
    } finally {
      await server.stop()
    }
  })
}

test('next', { timeout: 120_000 }, async () => {
  const project = await packed.example('next')
  await run('npx', ['--no', 'tsc'], { cwd: project })
  const port = await freePort()
  const server = await serveNext(project, environment, port)
  try {
    await probe(overHttp(port))
  } finally {
    await server.stop()
  }
})

test('worker', { timeout: 120_000 }, async () => {
  const project = await packed.example('worker', ['wrangler'])
  const wrangler = dirname(require.resolve('wrangler/package.json'))
  await run(process.execPath, [join(wrangler, 'bin/wrangler.js'), 'deploy', '--dry-run', '--outdir', 'out'], {
    cwd: project,
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: 'true' },
  })
  const { Miniflare } = createRequire(join(wrangler, 'package.json'))('miniflare') as typeof import('miniflare')
  const output = join(project, 'out')
  const wasm = (await readdir(output)).filter((file) => file.endsWith('.wasm'))
  const worker = new Miniflare({
    modulesRoot: output,
    modules: [
      { type: 'ESModule', path: join(output, 'worker.js') },
      ...wasm.map((file) => ({ type: 'CompiledWasm' as const, path: join(output, file) })),
    ],
    compatibilityDate: '2026-01-01',
    bindings: environment,
  })
  try {
    await probe(async (method, token) => {
      const response = await worker.dispatchFetch('https://notes.example/', { method, headers: authorization(token) })
      await response.arrayBuffer()
      return response.status
    })
  } finally {
    await worker.dispose()
  }
})

test('own-issuer', { timeout: 120_000 }, async () => {
  const project = await packed.freshProject('own-issuer')
  await linkDriver(project)
  await cp(join(EXAMPLES, 'own-issuer.ts'), join(project, 'own-issuer.ts'))
  await writeFile(join(project, 'call.mts'), OWN_ISSUER)
  const tsx = pathToFileURL(require.resolve('tsx')).href
  const { stdout } = await run(NODE, ['--import', tsx, 'call.mts'], { cwd: project })
  assert.equal(stdout.trim(), 'accepted accepted session_revoked')
})

test('keycloak', { timeout: 120_000 }, async () => {
  const project = await packed.freshProject('keycloak')
  await linkDriver(project)
  await cp(join(EXAMPLES, 'keycloak.ts'), join(project, 'keycloak.ts'))
  const tsx = pathToFileURL(require.resolve('tsx')).href
  const port = await freePort()
  // Keycloak is not running: the origin still starts and serves its feed.
  const variables = {
    BASE_URL: `http://127.0.0.1:${await freePort()}`,
    READER_SECRET: 'secret',
    FEED_KEY: signingKey,
    PORT: String(port),
  }
  const server = new Child('keycloak', NODE, ['--import', tsx, 'keycloak.ts'], variables, project)
  try {
    await server.ready(`http://127.0.0.1:${port}/`)
    assert.match(server.output, /\/realms\/acme\/backchannel-logout/)
    assert.equal((await fetch(`http://127.0.0.1:${port}/feed/acme/manifest`)).status, 200)
    const logout = await fetch(`http://127.0.0.1:${port}/realms/acme/backchannel-logout`, {
      method: 'POST',
      body: new URLSearchParams({ logout_token: 'garbage' }),
    })
    assert.equal(logout.status, 400)
  } finally {
    await server.stop()
  }
})

// Logs in, refreshes, and reuses the old refresh token: the session ends, also at the gate.
const OWN_ISSUER = `
import { createGate } from 'portcullis/edge'
import { generateFeedKey } from 'portcullis/origin'
import { serve } from 'portcullis/origin/node'
import { openIssuer } from './own-issuer.ts'

const ISSUER = 'https://login.example'
const { signingKey, publicKey } = await generateFeedKey()
const issuer = await openIssuer({ path: 'own.db', issuer: ISSUER, feedSigningKey: signingKey, reuseGraceSeconds: 0 })
const server = await serve(issuer.origin, { port: 0 })
const feed = { url: server.url + '/feed/own', keys: [publicKey] }
const gate = createGate({ realms: [{ name: 'own', issuer: ISSUER, audience: 'api', jwks: issuer.jwks, feed }] })
const first = await issuer.logIn('u-1', 'app')
const outcome = async (token) => ((verdict) => (verdict.ok ? 'accepted' : verdict.reason))(await gate.check(token))
const outcomes = [await outcome(first.access_token)]
const second = await issuer.refresh(first.refresh_token, 'app')
outcomes.push(await outcome(second.access_token))
await issuer.refresh(first.refresh_token, 'app')
await gate.refresh()
outcomes.push(await outcome(second.access_token))
console.log(outcomes.join(' '))
process.exit(0)
`

async function probe(ask: Ask): Promise<void> {
  const reader = await issuer.token('notes:read')
  const writer = await issuer.token('notes:read notes:write')
  assert.equal(await ask('GET'), 401, 'without a token')
  assert.equal(await ask('GET', 'not.a.token'), 401, 'with garbage')
  assert.equal(await ask('GET', reader), 200, 'with a valid token')
  assert.equal(await ask('POST', writer), 200, 'with both scopes')
  assert.equal(await ask('POST', reader), 403, 'without the scope of the method')
  await revoke(reader)
  const deadline = Date.now() + ENFORCED_MS
  let status = await ask('GET', reader)
  while (status === 200 && Date.now() < deadline) {
    await pause(100)
    status = await ask('GET', reader)
  }
  assert.equal(status, 401, 'after the revocation')
  assert.equal(await ask('GET', writer), 200, 'with a token that was not revoked')
}

async function revoke(token: string): Promise<void> {
  const response = await fetch(`${originUrl}/v1/auth/token/revoke`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  })
  assert.deepEqual([response.status, ((await response.json()) as { revoked: boolean }).revoked], [200, true])
}

function overHttp(port: number): Ask {
  return async (method, token) => {
    const response = await fetch(`http://127.0.0.1:${port}/notes`, { method, headers: authorization(token) })
    await response.arrayBuffer()
    return response.status
  }
}

function authorization(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}
