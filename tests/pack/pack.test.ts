// Adoption: the packed package, installed in fresh projects outside the checkout, runs the README's examples word for word.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { Child, freePort } from '../../www/demo/child.ts'

const run = promisify(execFile)
/** The machine's own Node, which a project of the user's would have; the tests themselves may run in another. */
const NODE = 'node'
const require = createRequire(import.meta.url)
const PKG = fileURLToPath(new URL('../../pkg', import.meta.url))
const README = fileURLToPath(new URL('../../README.md', import.meta.url))

let folder = ''
let tarball = ''

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-pack-'))
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: PKG })
  tarball = join(folder, stdout.trim().split('\n').at(-1) ?? '')
})

after(async () => rm(folder, { recursive: true, force: true }))

test('the tarball holds what is needed and nothing else', async () => {
  const { stdout } = await run('tar', ['-tzf', tarball])
  const files = stdout.trim().split('\n')
  assert.ok(files.includes('package/dist/entry/edge/workerd.js'))
  assert.ok(files.includes('package/wasm/edge/core_bg.wasm'))
  assert.ok(files.includes('package/wasm/edge-slim/core_bg.wasm'))
  for (const module of ['edge', 'edge-slim', 'origin']) assert.ok(files.includes(`package/wasm/${module}/embedded.js`), module)
  assert.ok(files.includes('package/README.md'))
  assert.deepEqual(files.filter((file) => /\.test\.|\/src\/|node_modules/.test(file)), [])
})

test('publint finds nothing', async () => {
  const { publint } = await import('publint')
  const { messages } = await publint({ pkgDir: PKG, strict: true })
  assert.deepEqual(messages, [])
})

test('are-the-types-wrong finds nothing', async () => {
  const attw = join(dirname(require.resolve('@arethetypeswrong/cli/package.json')), 'dist/index.js')
  // The package is ESM only, and the wasm modules have no types. Any other problem ends it with a failure.
  await run(process.execPath, [attw, tarball, '--profile', 'esm-only', '--exclude-entrypoints', 'edge.wasm', 'edge-slim.wasm'])
})

test('a fresh Node project runs the origin example and the edge example', { timeout: 600_000 }, async () => {
  const project = await freshProject('node')
  const port = await freePort()
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'RS256', use: 'sig' }
  await writeFile(join(project, 'issuer.mjs'), issuer(port, jwk))
  const originPort = await freePort()
  const originExample = await example('origin')
  assert.match(originExample, /\b8780\b/)
  // Word for word but for the port, on which somebody's demo may listen.
  await writeFile(join(project, 'origin.mjs'), originExample.replace('8780', String(originPort)))
  await writeFile(join(project, 'edge.mjs'), await example('edge'))
  await writeFile(join(project, 'call.mjs'), CALL)
  await buildDriver()
  await link(project, 'better-sqlite3')

  const children: Child[] = []
  try {
    const keys = new Child('issuer', NODE, [join(project, 'issuer.mjs')])
    children.push(keys)
    await keys.ready(`http://127.0.0.1:${port}/`)
    const { stdout: generated } = await run(
      NODE,
      ['--input-type=module', '-e', "import { generateFeedKey } from 'portcullis/origin'; console.log(JSON.stringify(await generateFeedKey()))"],
      { cwd: project },
    )
    const feedKey = JSON.parse(generated) as { signingKey: unknown; publicKey: unknown }
    const environment = {
      ISSUER: `http://127.0.0.1:${port}`,
      FEED_SIGNING_KEY: JSON.stringify(feedKey.signingKey),
      FEED_PUBLIC_KEY: JSON.stringify(feedKey.publicKey),
    }
    const origin = new Child('origin', NODE, [join(project, 'origin.mjs')], environment, project)
    children.push(origin)
    await origin.ready(`http://127.0.0.1:${originPort}/healthz`)

    const now = Math.floor(Date.now() / 1000)
    const token = await new SignJWT({ aud: 'api', sub: 'u', sid: 's', jti: 'id-1', iat: now, exp: now + 300, token_use: 'access' })
      .setProtectedHeader({ alg: 'RS256', kid: 'k', typ: 'JWT' })
      .setIssuer(environment.ISSUER)
      .sign(privateKey)
    const { stdout } = await run(NODE, ['call.mjs'], {
      cwd: project,
      env: { ...process.env, ...environment, ORIGIN: `http://127.0.0.1:${originPort}`, TOKEN: token },
    })
    assert.equal(stdout.trim(), '401 200 revoked 401')
  } finally {
    await Promise.all(children.map((child) => child.stop('SIGKILL')))
  }
})

test('the store passes its tests on better-sqlite3', { timeout: 600_000 }, async () => {
  await buildDriver()
  const store = join(PKG, 'src/origin/store/sqlite')
  const tests = (await readdir(store)).filter((file) => file.endsWith('.test.ts')).map((file) => join(store, file))
  const { stdout } = await run(NODE, ['--import', 'tsx', '--test', '--test-reporter=tap', ...tests], { cwd: PKG, env: withoutRunner() })
  assert.match(stdout, /^ *ok \d+ - better-sqlite3: /m)
  assert.doesNotMatch(stdout, /better-sqlite3: .*# SKIP/)
})

test('a fresh Node project has the command', { timeout: 120_000 }, async () => {
  const project = await freshProject('command')
  const portcullis = (...words: string[]): Promise<{ stdout: string }> => run('npx', ['--no', 'portcullis', ...words], { cwd: project })
  assert.match((await portcullis('--version')).stdout, /^\d+\.\d+\.\d+\n$/)
  await portcullis('keygen')
  const realm = { name: 'acme', issuer: 'https://id.example', audience: 'api', jwks: 'https://id.example/certs' }
  const configuration = { store: { path: 'portcullis.db' }, signingKey: { file: 'feed-key.json' }, realms: [realm] }
  await writeFile(join(project, 'portcullis.json'), JSON.stringify(configuration))
  assert.match((await portcullis('check')).stdout, /is good: realms acme/)
  const schema = JSON.parse(await readFile(join(project, 'node_modules/portcullis/portcullis.schema.json'), 'utf8')) as { title: string }
  assert.equal(schema.title, 'Portcullis origin')
})

test('a fresh wrangler project builds the edge example', { timeout: 120_000 }, async () => {
  const project = await freshProject('worker')
  await writeFile(join(project, 'worker.js'), await example('edge'))
  await writeFile(
    join(project, 'wrangler.json'),
    JSON.stringify({ name: 'edge', main: 'worker.js', compatibility_date: '2026-01-01' }),
  )
  const wrangler = join(dirname(require.resolve('wrangler/package.json')), 'bin/wrangler.js')
  const output = join(project, 'out')
  await run(process.execPath, [wrangler, 'deploy', '--dry-run', '--outdir', output], {
    cwd: project,
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: 'true' },
  })
  const files = await readdir(output)
  assert.ok(files.some((file) => file.endsWith('.wasm')), 'the bundle has no wasm module')
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(output, file))).size))
  assert.ok(sizes.every((size) => size > 0))
})

async function freshProject(name: string): Promise<string> {
  const project = join(folder, name)
  await mkdir(project)
  await writeFile(join(project, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }))
  await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', tarball], { cwd: project })
  return project
}

/** Compiles the driver for the machine's own Node, where it has no binary yet. It takes a minute or two. */
async function buildDriver(): Promise<void> {
  const load = "new (require('better-sqlite3'))(':memory:')"
  const loads = await run(NODE, ['--eval', load], { cwd: PKG }).then(
    () => true,
    () => false,
  )
  if (!loads) await run('npm', ['rebuild', 'better-sqlite3', '--loglevel=error'], { cwd: PKG })
}

/** Without what tells a program that it runs below a test runner: then it would report to that one. */
function withoutRunner(): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env
  return environment
}

/** The peer that was built for this machine already. */
async function link(project: string, peer: string): Promise<void> {
  const source = join(PKG, 'node_modules', peer)
  await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', source], { cwd: project })
}

/** The example in the README under the heading that names the side. */
async function example(side: 'edge' | 'origin'): Promise<string> {
  const text = await readFile(README, 'utf8')
  const blocks = [...text.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code = '']) => code)
  const found = blocks.filter((code) => code.includes(`from 'portcullis/${side}'`))
  assert.equal(found.length, 1, `the README must have one ${side} example`)
  const [code = ''] = found
  assert.ok(code.trim().split('\n').length <= 16, `the ${side} example has grown too long`)
  return code
}

function issuer(port: number, jwk: unknown): string {
  return `import { createServer } from 'node:http'
createServer((request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end(${JSON.stringify(JSON.stringify({ keys: [jwk] }))})
}).listen(${port}, '127.0.0.1')
`
}

// Drives the edge example as a host would: no token, a good one, then the same after it was revoked.
const CALL = `
import worker from './edge.mjs'
const env = { ORIGIN: process.env.ORIGIN, ISSUER: process.env.ISSUER, FEED_KEY: process.env.FEED_PUBLIC_KEY }
const call = (headers) => worker.fetch(new Request('https://edge.example/', { headers }), env, { waitUntil() {} })
const statuses = []
statuses.push((await call({})).status)
const bearer = { authorization: 'Bearer ' + process.env.TOKEN }
statuses.push((await call(bearer)).status)
const revoked = await fetch(process.env.ORIGIN + '/v1/auth/token/revoke', {
  method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token: process.env.TOKEN }),
})
statuses.push((await revoked.json()).revoked === true ? 'revoked' : 'not revoked')
let status = 200
for (const end = Date.now() + 5000; status === 200 && Date.now() < end; await new Promise((r) => setTimeout(r, 100))) {
  status = (await call(bearer)).status
}
statuses.push(status)
console.log(statuses.join(' '))
process.exit(0)
`
