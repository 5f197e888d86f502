// The OpenAPI document matches the origin: schemathesis (https://schemathesis.io) sends a live origin the requests that
// the document describes, and others.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { createOrigin, generateFeedKey } from 'portcullis/origin'
import { memoryStore } from 'portcullis/origin/memory'
import { serve } from 'portcullis/origin/node'

const run = promisify(execFile)

const VERSION = '4.32.5'
const VENV = fileURLToPath(new URL(`../target/schemathesis-${VERSION}`, import.meta.url))
const SCHEMATHESIS = join(VENV, 'bin/schemathesis')
const ISSUER = 'https://issuer.test/realms/acme'
/** Secret of a caller of global token revocation. */
const CALLER_SECRET = 'secret-of-a-caller-0123456789'
/** Placeholder for an administrator's token. Each request gets a new token, because requests revoke tokens. */
const ADMINISTRATOR = 'Bearer administrator'

/** Fixed, so that a failure is reproducible. */
const SEED = 1
const CONFIG = `[parameters]
"path.realm" = "acme"
"query.waitSeconds" = 0
"query.wait" = "enforced"
"query.timeoutMs" = 1
"query.issuer" = "${ISSUER}"

# A schema cannot say which times are in the future, or that the correction of a key takes no issuer.
[[operations]]
include-path-regex = "/(push-revocation|corrections)$"
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 401, 403, 404, 409, 429, "5xx"]

# Nor which formats of identifiers have a resolver, and which users exist.
[[operations]]
include-path = "/realms/{realm}/global-token-revocation"
headers = { Authorization = "Bearer ${CALLER_SECRET}" }
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 401, 403, 404, 429, "5xx"]

# Nor the ledger's sequence.
[[operations]]
include-path = "/feed/{realm}/deltas"
checks.positive_data_acceptance.expected-statuses = ["2xx", 409, 410]
`

/** A security event token is sent as is (RFC 8935 §2.1). */
const HOOKS = `import schemathesis

@schemathesis.serializer("application/secevent+jwt")
def security_event(context, value):
    return value if isinstance(value, bytes) else str(value).encode()
`

test('schemathesis finds no difference from the document', { timeout: 240_000 }, async (context) => {
  const missing = await install()
  if (missing !== undefined) return context.skip(missing)
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-openapi-'))
  const { url, close } = await start()
  try {
    const config = join(folder, 'schemathesis.toml')
    await writeFile(config, CONFIG)
    await writeFile(join(folder, 'hooks.py'), HOOKS)
    const parameters = [
      ...[
        '--config-file',
        config,
        'run',
        `${url}/openapi.json`,
        '--checks',
        'all',
        '--header',
        `Authorization: ${ADMINISTRATOR}`,
      ],
      // A stream would not end.
      ...['--exclude-path', '/feed/{realm}/stream', '--phases', 'examples,coverage,fuzzing', '--max-examples', '50'],
      ...['--seed', String(SEED), '--generation-database', 'none', '--request-timeout', '10', '--no-color'],
    ]
    const { stdout, failed } = await run(SCHEMATHESIS, parameters, {
      cwd: folder,
      env: { ...process.env, SCHEMATHESIS_HOOKS: 'hooks', PYTHONPATH: folder },
      maxBuffer: 64 * 1_048_576,
      timeout: 180_000,
    }).then(
      ({ stdout }) => ({ stdout, failed: false }),
      (error: { stdout?: string; stderr?: string; message: string }) => ({
        stdout: `${error.stdout ?? error.message}${error.stderr ?? ''}`,
        failed: true,
      }),
    )
    assert.ok(!failed, stdout)
  } finally {
    await close()
    await rm(folder, { recursive: true, force: true })
  }
})

/** Installs it. Returns why it is not available, or `undefined`. */
async function install(): Promise<string | undefined> {
  if (existsSync(SCHEMATHESIS)) return undefined
  try {
    await mkdir(VENV, { recursive: true })
    await run('python3', ['-m', 'venv', VENV])
    await run(join(VENV, 'bin/pip'), ['install', '--quiet', `schemathesis==${VERSION}`], { timeout: 120_000 })
    return undefined
  } catch (error) {
    await rm(VENV, { recursive: true, force: true })
    return `schemathesis cannot be installed: ${String(error).split('\n', 1)[0]}`
  }
}

/** Starts an origin without a limit on failed attempts. */
async function start(): Promise<{ url: string; close: () => Promise<void> }> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kty: 'OKP', kid: 'k', alg: 'EdDSA', use: 'sig' }
  const { signingKey } = await generateFeedKey()
  const origin = await createOrigin({
    store: memoryStore(),
    signingKey,
    realms: [
      {
        name: 'acme',
        issuer: ISSUER,
        audience: 'api',
        jwks: { keys: [jwk] },
        issuerSkewSeconds: 0,
        globalTokenRevocation: {
          secrets: [CALLER_SECRET],
          subjectsOf: { email: ({ email }) => (email === '0' ? undefined : 'alice') },
        },
      },
    ],
    clients: [{ id: 'demo' }],
    maxFailuresPerMinute: 1_000_000,
    onReport: () => undefined,
  })
  /** Returns a new administrator's token. First undoes a logout of all users, which would refuse it. */
  const token = async (): Promise<string> => {
    const now = Math.floor(Date.now() / 1000)
    if (origin.refuses('acme', { issuedAt: now, expiresAt: now + 300 }) !== undefined)
      await origin.correct('acme', { kind: 'realm' }, { reason: 'the next request' })
    const claims = {
      aud: 'api',
      sub: 'admin',
      jti: crypto.randomUUID(),
      iat: now,
      exp: now + 300,
      token_use: 'access',
    }
    return new SignJWT({ ...claims, realm_access: { roles: ['portcullis-admin'] } })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'k', typ: 'JWT' })
      .setIssuer(ISSUER)
      .sign(privateKey)
  }
  const server = await serve(
    async (request, source) => {
      if (request.headers.get('authorization') === ADMINISTRATOR)
        request.headers.set('authorization', `Bearer ${await token()}`)
      return origin.fetch(request, source)
    },
    { port: 0 },
  )
  return {
    url: server.url,
    async close() {
      await origin.close()
      await server.close()
    },
  }
}
