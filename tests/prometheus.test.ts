// Prometheus' own parser reads the origin's metrics, and the example alerts are valid.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { exportJWK, generateKeyPair } from 'jose'
import { createOrigin, generateFeedKey } from 'portcullis/origin'
import { memoryStore } from 'portcullis/origin/memory'

const run = promisify(execFile)

const VENV = fileURLToPath(new URL('../target/prometheus-client-0.23.1', import.meta.url))
const PYTHON = join(VENV, 'bin/python')
const PACKAGES = ['prometheus_client==0.23.1', 'PyYAML==6.0.3']
const ALERTS = fileURLToPath(import.meta.resolve('portcullis/package.json').replace(/package\.json$/, 'alerts.yml'))

const PARSE = `
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
families = list(text_string_to_metric_families(open(sys.argv[1]).read()))
print(' '.join(sorted(family.name for family in families)))
`
const CHECK = `
import sys, yaml
for group in yaml.safe_load(open(sys.argv[1]))['groups']:
    for rule in group['rules']:
        assert rule['alert'] and rule['expr'] and rule['annotations']['summary'], rule
        print(rule['alert'])
`

test('Prometheus parses the metrics as OpenMetrics', { timeout: 120_000 }, async (context) => {
  const missing = await install()
  if (missing !== undefined) return context.skip(missing)
  const { signingKey } = await generateFeedKey()
  const jwk = { ...(await exportJWK((await generateKeyPair('ES256')).publicKey)), kty: 'EC' }
  const realms = ['a', 'b'].map((name) => ({
    name,
    issuer: `https://${name}.test`,
    audience: 'api',
    jwks: { keys: [jwk] },
  }))
  const edges = [{ name: 'edge "1"\\', ackSecret: 'secret' }]
  const origin = await createOrigin({ store: memoryStore(), signingKey, realms, edges, onReport: () => undefined })
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-metrics-'))
  try {
    await origin.logoutUser('a', 'alice')
    await origin.fetch(new Request('http://localhost/nowhere'))
    const file = join(folder, 'metrics')
    const answer = await origin.fetch(new Request('http://localhost/metrics'), { address: '127.0.0.1' })
    assert.equal(answer.status, 200)
    await writeFile(file, await answer.text())
    const { stdout } = await run(PYTHON, ['-c', PARSE, file])
    for (const family of [
      'portcullis_build',
      'portcullis_revocations',
      'portcullis_store_commit_seconds',
      'portcullis_edges',
    ]) {
      assert.ok(stdout.trim().split(' ').includes(family), stdout)
    }
  } finally {
    await origin.close()
    await rm(folder, { recursive: true, force: true })
  }
})

test('the example alerts are valid rules', { timeout: 120_000 }, async (context) => {
  const promtool = await run('promtool', ['check', 'rules', ALERTS]).catch(
    (error: { code?: unknown; stdout?: string }) => {
      if (error.code === 'ENOENT') return undefined
      throw new Error(error.stdout)
    },
  )
  if (promtool !== undefined) return
  const missing = await install()
  if (missing !== undefined) return context.skip(missing)
  const { stdout } = await run(PYTHON, ['-c', CHECK, ALERTS])
  assert.ok(stdout.trim().split('\n').length >= 5)
})

/** Installs it. Returns why it is not available, or `undefined`. */
async function install(): Promise<string | undefined> {
  if (existsSync(PYTHON)) return undefined
  try {
    await mkdir(VENV, { recursive: true })
    await run('python3', ['-m', 'venv', VENV])
    await run(join(VENV, 'bin/pip'), ['install', '--quiet', ...PACKAGES], { timeout: 60_000 })
    return undefined
  } catch (error) {
    await rm(VENV, { recursive: true, force: true })
    return `prometheus_client cannot be installed: ${String(error).split('\n', 1)[0]}`
  }
}
