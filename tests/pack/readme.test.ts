// The README's examples, verbatim, in new projects with the packed package.

import assert from 'node:assert/strict'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Child, freePort } from '../../www/demo/child.ts'
import { Issuer } from './issuer.ts'
import { linkDriver, NODE, Packed, run } from './project.ts'

const require = createRequire(import.meta.url)
/** Maximum size of wrangler's upload, after gzip: a worker and this package without `portcullis/providers`. */
const MAX_UPLOAD_KIB = 259.8

const README = fileURLToPath(new URL('../../README.md', import.meta.url))

let packed: Packed

before(async () => {
  packed = await Packed.make()
})

after(() => packed.close())

test('a fresh Node project runs the origin example and the edge example', { timeout: 600_000 }, async () => {
  const project = await packed.freshProject('node')
  const issuer = await Issuer.start()
  const originPort = await freePort()
  const originExample = await example('origin')
  assert.match(originExample, /\b8780\b/)
  // Verbatim except for the port, which a running demo may use.
  await writeFile(join(project, 'origin.mjs'), originExample.replace('8780', String(originPort)))
  await writeFile(join(project, 'edge.mjs'), await example('edge'))
  await writeFile(join(project, 'call.mjs'), CALL)
  await linkDriver(project)

  const children: Child[] = []
  try {
    const { stdout: generated } = await run(
      NODE,
      [
        '--input-type=module',
        '-e',
        "import { generateFeedKey } from 'portcullis/origin'; console.log(JSON.stringify(await generateFeedKey()))",
      ],
      { cwd: project },
    )
    const feedKey = JSON.parse(generated) as { signingKey: unknown; publicKey: unknown }
    const environment = {
      ISSUER: issuer.url,
      FEED_SIGNING_KEY: JSON.stringify(feedKey.signingKey),
      FEED_PUBLIC_KEY: JSON.stringify(feedKey.publicKey),
    }
    const origin = new Child('origin', NODE, [join(project, 'origin.mjs')], environment, project)
    children.push(origin)
    await origin.ready(`http://127.0.0.1:${originPort}/healthz`)
    const { stdout } = await run(NODE, ['call.mjs'], {
      cwd: project,
      env: { ...process.env, ...environment, ORIGIN: `http://127.0.0.1:${originPort}`, TOKEN: await issuer.token('') },
    })
    assert.equal(stdout.trim(), '401 200 revoked 401')
  } finally {
    await Promise.all(children.map((child) => child.stop('SIGKILL')))
    issuer.close()
  }
})

test('a fresh wrangler project builds the edge example', { timeout: 120_000 }, async () => {
  const project = await packed.freshProject('worker')
  await writeFile(join(project, 'worker.js'), await example('edge'))
  await writeFile(
    join(project, 'wrangler.json'),
    JSON.stringify({ name: 'edge', main: 'worker.js', compatibility_date: '2026-01-01' }),
  )
  const wrangler = join(dirname(require.resolve('wrangler/package.json')), 'bin/wrangler.js')
  const output = join(project, 'out')
  const { stdout } = await run(process.execPath, [wrangler, 'deploy', '--dry-run', '--outdir', output], {
    cwd: project,
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: 'true' },
  })
  const files = await readdir(output)
  assert.ok(
    files.some((file) => file.endsWith('.wasm')),
    'the bundle has no wasm module',
  )
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(output, file))).size))
  assert.ok(sizes.every((size) => size > 0))
  const [, kibibytes] = /gzip: ([\d.]+) KiB/.exec(stdout) ?? []
  assert.ok(Number(kibibytes) <= MAX_UPLOAD_KIB, `the upload has ${kibibytes} KiB after gzip`)
})

/** Returns the README's example under the heading with the name of the side. */
async function example(side: 'edge' | 'origin'): Promise<string> {
  const text = await readFile(README, 'utf8')
  const blocks = [...text.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code = '']) => code)
  const found = blocks.filter((code) => code.includes(`from 'portcullis/${side}'`))
  assert.equal(found.length, 1, `the README must have one ${side} example`)
  const [code = ''] = found
  assert.ok(code.trim().split('\n').length <= 16, `the ${side} example has grown too long`)
  return code
}

// Calls the edge example as a host would: without a token, with a valid one, then with the same one after its
// revocation.
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
