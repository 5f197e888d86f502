// The command as a program: output, exit codes, and a stop without loss.

import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createTestIssuer, type TestIssuer } from '../origin/testing/stage.ts'
import { VERSION } from '../version.ts'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
const COMMAND = ['--import', import.meta.resolve('tsx'), MAIN]

let folder = ''
let issuer: TestIssuer
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-cli-'))
  issuer = await createTestIssuer()
})
after(() => rmSync(folder, { recursive: true, force: true }))

interface Ended {
  code: number
  stdout: string
  stderr: string
}

function portcullis(words: string[], environment: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...COMMAND, ...words],
      { cwd: folder, env: { ...process.env, ...environment } },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
  })
}

/** Writes a valid configuration with the given changes. */
function configure(changes: Record<string, unknown> = {}, file = 'portcullis.json'): string {
  const good = {
    $schema: './node_modules/portcullis/portcullis.schema.json',
    listen: { port: 0 },
    store: { path: 'portcullis.db' },
    signingKey: { file: 'feed-key.json' },
    realms: [issuer.realm],
    edges: [{ name: 'edge-1', ackSecret: { env: 'EDGE_SECRET' } }],
  }
  const path = join(folder, file)
  writeFileSync(path, JSON.stringify({ ...good, ...changes }, null, 2))
  return path
}

const ENVIRONMENT = { EDGE_SECRET: 'the-secret-of-edge-1' }

describe('usage', () => {
  test('help describes each command, with an example', async () => {
    const { code, stdout } = await portcullis(['--help'])
    assert.equal(code, 0)
    const names = [...stdout.matchAll(/^ {2}(\w+) +[a-z]/gm)]
      .map(([, name = '']) => name)
      .filter((name) => name !== 'portcullis')
    assert.deepEqual(names, ['serve', 'check', 'init', 'keygen', 'backup', 'restore'])
    const helps = await Promise.all(names.map((name) => portcullis([name, '--help'])))
    helps.forEach(({ code, stdout }, index) => {
      assert.equal(code, 0)
      assert.match(stdout, new RegExp(`^portcullis ${names[index]} \\[--[^]*\n\n  --[^]*Example`))
    })
    assert.match(helps[0]?.stdout ?? '', /"signingKey": \{ "file": "feed-key.json" \}/)
    assert.equal((await portcullis(['help', 'check'])).stdout, helps[1]?.stdout)
    assert.equal((await portcullis(['--version'])).stdout, `${VERSION}\n`)
  })

  test('a wrong command line exits with 2 and a reason', async () => {
    const cases: [string[], RegExp][] = [
      [['server'], /unknown command; known are serve, check/],
      [['--prot'], /expected a command, found an option/],
      [['serve', '--prot', '1'], /Unknown option '--prot'[^]*Usage: portcullis serve/],
      [['backup'], /Usage: portcullis backup/],
      [['init'], /use one of --keycloak URL/],
      [['init', '--keycloak', 'https://id.example'], /--realm is missing/],
      [['init', '--keycloak', 'https://id.example', '--realm', 'master'], /'master' administers Keycloak itself/],
      [['init', '--keycloak', 'https://user:hidden@id.example', '--realm', 'acme'], /--keycloak must be an https: URL/],
      [
        ['init', '--keycloak', 'http://id.example', '--realm', 'acme'],
        /must be an https: URL because id\.example is not this machine/,
      ],
      [['restore', 'copy', '--incarnation', 'x'], /--incarnation must be a whole number|cannot be read/],
    ]
    for (const [words, message] of cases) {
      const { code, stderr } = await portcullis(words)
      assert.equal(code, 2, words.join(' '))
      assert.match(stderr, message)
    }
  })
})

test('keygen writes both halves, the secret one readable by its owner only, and overwrites nothing', async () => {
  assert.equal((await portcullis(['keygen'])).code, 0)
  const secret = join(folder, 'feed-key.json')
  assert.equal(statSync(secret).mode & 0o777, 0o600)
  const key = JSON.parse(readFileSync(secret, 'utf8')) as Record<string, string>
  const open = JSON.parse(readFileSync(join(folder, 'feed-key.public.json'), 'utf8')) as Record<string, string>
  assert.equal(open['x'], key['x'])
  assert.ok(key['d'] !== undefined && open['d'] === undefined)
  const again = await portcullis(['keygen'])
  assert.equal(again.code, 1)
  assert.match(again.stderr, /already exists, and nothing is overwritten/)
  assert.deepEqual(JSON.parse(readFileSync(secret, 'utf8')), key)
})

describe('a configuration', () => {
  test('that is valid is reported as valid, with secrets from every source', async () => {
    configure()
    const { code, stdout } = await portcullis(['check'], ENVIRONMENT)
    assert.equal(code, 0, stdout)
    assert.match(stdout, /is valid: realms acme; edges: 1/)
    assert.match(stdout, /^realm acme: policy 1:[0-9a-f]{32}, /m)
    const key = readFileSync(join(folder, 'feed-key.json'), 'utf8')
    configure({ signingKey: { file: 'nowhere' } })
    assert.equal((await portcullis(['check'], { ...ENVIRONMENT, PORTCULLIS_SIGNING_KEY: key })).code, 0)
    configure({ signingKey: JSON.parse(key) as unknown })
    assert.equal((await portcullis(['check'], ENVIRONMENT)).code, 0)
  })

  test('that is invalid is refused, naming the option and no secret', async () => {
    const secret = 'do-not-show-me'
    const cases: [Record<string, unknown>, RegExp][] = [
      [{ signingkey: secret }, /unknown option 'signingkey'; did you mean 'signingKey'/],
      [{ realm: [] }, /unknown option 'realm'; did you mean 'realms'/],
      [{ listen: { prot: 1 } }, /options\.listen has an unknown option 'prot'; did you mean 'port'/],
      [{ listen: { port: '8780' } }, /options\.listen\.port must be a port/],
      [{ store: {} }, /options\.store\.path is missing/],
      [{ realms: [] }, /options\.realms must be a non-empty array/],
      [{ heartbeatSeconds: 60 }, /options\.heartbeatSeconds must be a number of whole seconds, 1 to 5/],
      [{ signingKey: secret }, /options\.signingKey must be \{ "file"/],
      [{ signingKey: { file: 'nowhere.json' } }, /options\.signingKey: .*nowhere\.json cannot be read \(ENOENT\)/],
      [{ signingKey: { file: 'feed-key.public.json' } }, /options\.signingKey must be a private Ed25519 key/],
      [
        { edges: [{ name: 'a', ackSecret: { env: 'NOT_SET' } }] },
        /options\.edges\[0\]\.ackSecret: the environment has no variable NOT_SET/,
      ],
      [
        { edges: [{ name: 'a', ackSecret: { environment: 'X' } }] },
        /options\.edges\[0\]\.ackSecret must be a string, \{ "env": "NAME" \}/,
      ],
      [{ edges: [{ name: 'a', ackSecret: secret }, { name: 'a' }] }, /options\.edges\[1\]\.name is the same/],
      [
        { edges: [{ name: 'a', pushUrl: 'http://edge.example/' }] },
        /options\.edges\[0\]\.pushUrl must be an https: URL/,
      ],
      [{ feedCredential: 7 }, /options\.feedCredential must be a (non-empty )?string/],
      [{ onReport: secret }, /unknown option 'onReport'/],
    ]
    for (const [changes, message] of cases) {
      configure(changes)
      const { code, stdout, stderr } = await portcullis(['check'], ENVIRONMENT)
      assert.equal(code, 2, JSON.stringify(changes))
      assert.match(stderr, message)
      assert.ok(!`${stdout}${stderr}`.includes(secret))
    }
  })

  test('that is missing or not valid JSON', async () => {
    writeFileSync(join(folder, 'broken.json'), '{\n  "store": { "path": "a" },\n}\n')
    const broken = await portcullis(['serve', '--config', 'broken.json'])
    assert.equal(broken.code, 2)
    assert.match(broken.stderr, /broken\.json:3:1: not valid JSON/)
    const missing = await portcullis(['serve'], { PORTCULLIS_CONFIG: 'nowhere.json' })
    assert.equal(missing.code, 2)
    assert.match(missing.stderr, /nowhere\.json: .*it does not exist: 'portcullis serve --help'/)
  })

  test('that cannot be started exits with 1', async () => {
    configure({ store: { path: 'no/such/directory/portcullis.db' } })
    const { code, stderr } = await portcullis(['serve'], ENVIRONMENT)
    assert.equal(code, 1)
    assert.match(stderr, /its directory does not exist/)
  })
})

interface Line {
  event: string
  url?: string
  [member: string]: unknown
}

/** A running origin and the lines that it prints. */
class Served {
  readonly lines: Line[] = []
  readonly process: ChildProcess
  readonly #listening: Promise<string>

  constructor() {
    this.process = spawn(process.execPath, [...COMMAND, 'serve'], {
      cwd: folder,
      env: { ...process.env, ...ENVIRONMENT },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#listening = new Promise((resolve, reject) => {
      createInterface({ input: this.process.stdout ?? process.stdin }).on('line', (text) => {
        const line = JSON.parse(text) as Line
        this.lines.push(line)
        if (line.event === 'listening') resolve(line.url ?? '')
      })
      this.process.once('exit', () => reject(new Error('it ended before it listened')))
    })
    this.#listening.catch(() => undefined)
  }

  url(): Promise<string> {
    return this.#listening
  }

  /** Signals it to stop; resolves to how it ended. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const exit = once(this.process, 'exit')
    this.process.kill(signal)
    return ((await exit) as [number | null])[0]
  }
}

describe('serve', () => {
  test('accepts revocations, prints JSON lines, and exits on a signal', async () => {
    configure()
    const served = new Served()
    const url = await served.url()
    assert.equal((await revoke(url, await issuer.token())).status, 200)
    assert.equal((await fetch(`${url}/attackers-text`)).status, 404)
    assert.equal(await served.stop('SIGINT'), 0)
    const requests = served.lines.filter(({ event }) => event === 'request')
    assert.deepEqual(
      requests.map(({ method, route, status, realm }) => ({ method, route, status, realm })),
      [
        { method: 'POST', route: '/v1/auth/token/revoke', status: 200, realm: undefined },
        { method: 'GET', route: undefined, status: 404, realm: undefined },
      ],
    )
    assert.ok(!JSON.stringify(served.lines).includes('attackers-text'))
    assert.deepEqual(
      served.lines.slice(-2).map(({ event }) => event),
      ['closing', 'closed'],
    )
  })

  test('continues to serve when the reader of its output is gone', async () => {
    configure()
    const served = new Served()
    const url = await served.url()
    served.process.stdout?.destroy()
    for (let request = 0; request < 3; request += 1) assert.equal((await fetch(`${url}/healthz`)).status, 200)
    assert.equal(await served.stop(), 0)
  })

  test('on a stop, running requests are durable or refused, and streams end cleanly', async () => {
    configure({ log: 'events' })
    const served = new Served()
    const url = await served.url()
    const stream = await fetch(`${url}/feed/acme/stream`)
    const read = stream.text()
    const poll = fetch(`${url}/feed/acme/manifest?after=${await sequence(url)}&waitSeconds=25`)
    const tokens = await Promise.all(Array.from({ length: 200 }, () => issuer.token()))
    const answers: (number | 'refused')[] = []
    const asked = tokens.map(async (token) => {
      const answer = await revoke(url, token).then(
        ({ status }) => status,
        () => 'refused' as const,
      )
      answers.push(answer)
      return answer
    })
    // Some have a response, the others are in progress.
    await Promise.race(asked)
    assert.equal(await served.stop(), 0)
    const outcomes = await Promise.all(asked)
    for (const outcome of outcomes)
      assert.ok(outcome === 200 || outcome === 503 || outcome === 'refused', String(outcome))
    assert.ok(outcomes.includes(200))
    assert.match(await read, /^event: feed\n/)
    assert.ok([200, 503].includes((await poll).status))

    const again = new Served()
    const health = await sequence(await again.url())
    const durable = outcomes.filter((outcome) => outcome === 200).length
    const metrics = await (await fetch(`${await again.url()}/metrics`)).text()
    assert.ok(
      Number(/^portcullis_token_ids\{realm="acme"\} (\d+)$/m.exec(metrics)?.[1]) >= durable,
      `${durable} were answered`,
    )
    assert.ok(health >= durable)
    assert.equal(await again.stop(), 0)
  })

  test('exits immediately on a second signal', async () => {
    const served = new Served()
    const url = await served.url()
    // A request that never ends: its body is not sent.
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{')),
    })
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      duplex: 'half',
    } as RequestInit
    const request = fetch(`${url}/v1/auth/token/revoke`, init).catch(() => undefined)
    await revoke(url, await issuer.token())
    const exit = once(served.process, 'exit')
    served.process.kill('SIGTERM')
    while (!served.lines.some(({ event }) => event === 'closing'))
      await new Promise((resolve) => setTimeout(resolve, 5))
    served.process.kill('SIGTERM')
    assert.deepEqual(await exit, [143, null])
    await request
  })
})

test('backs up and restores, both while an origin runs and while none does', async () => {
  configure()
  const served = new Served()
  const url = await served.url()
  await revoke(url, await issuer.token())
  const copied = await portcullis(['backup', 'copy.db'], ENVIRONMENT)
  assert.equal(copied.code, 0, copied.stderr)
  assert.equal((await portcullis(['backup', 'copy.db'], ENVIRONMENT)).code, 2)
  const locked = await portcullis(['restore', 'copy.db'], ENVIRONMENT)
  assert.equal(locked.code, 1)
  const before = await sequence(url)
  assert.equal(await served.stop(), 0)
  const restored = await portcullis(['restore', 'copy.db'], ENVIRONMENT)
  assert.equal(restored.code, 0, restored.stderr)
  assert.match(restored.stdout, /restored as incarnation 1, with the realms acme/)
  const again = new Served()
  assert.ok((await sequence(await again.url())) > before)
  assert.equal(await again.stop(), 0)
})

function revoke(url: string, token: string): Promise<Response> {
  return fetch(`${url}/v1/auth/token/revoke`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  })
}

async function sequence(url: string): Promise<number> {
  const { realms } = (await (await fetch(`${url}/healthz`)).json()) as { realms: { acme: { sequence: number } } }
  return realms.acme.sequence
}
