// Makes a feed of any size with the Rust ledger, and serves it to an edge from memory or over HTTP.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { JWK } from 'portcullis/edge'
import { freePort } from '../../www/demo/child.ts'
import type { GateSetting } from './gate.ts'
import { AUDIENCE, ISSUER } from './tokens.ts'

export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url))

/** The key that signs the feed, from RFC 8037 appendix A. */
export const FEED_KEY: JWK = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }
export const SIGNING_KEY: JWK = { ...FEED_KEY, d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A' }

/** The span of `exp` values that share a filter. */
const BUCKET_SECONDS = 512

export interface Order {
  /** Revoked token ids. */
  ids: number
  /** Users logged out and sessions ended. */
  epochs?: number
  /** Buckets of `exp` over which the ids are spread; by default about as many as a day has. */
  buckets?: number
  /** Thumbprints of banned keys. */
  banned?: string[]
  /** Number of revoked ids in each delta after the manifest. */
  deltas?: number
  changes?: number
  /** Whether to write the ledger's rows, too. */
  rows?: boolean
  /** Issuer of the feed and time of its creation; default the benchmarks' issuer and now. */
  issuer?: string
  now?: number
}

export interface Feed {
  folder: string
  /** Its URL, as in a gate's options. */
  url: string
  /** Every file, by its path below the feed's URL. */
  files: ReadonlyMap<string, Buffer>
  /** The deltas after the manifest, in order. */
  deltas: Buffer[]
  /** Time of creation, in Unix seconds. */
  now: number
  buckets: number
  /** Serves the files from memory. */
  fetch: typeof fetch
  close(): Promise<void>
}

export async function makeFeed(order: Order): Promise<Feed> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-bench-'))
  const now = order.now ?? Math.floor(Date.now() / 1000)
  const whole = { epochs: 0, buckets: 160, banned: [], deltas: 0, changes: 1, rows: false, issuer: ISSUER, ...order }
  await build({ ...whole, folder, now })
  return readFeed({ folder, now, deltas: whole.deltas, buckets: whole.buckets })
}

/** The location of a feed on disk, for another process. */
export interface FeedFolder {
  folder: string
  now: number
  deltas: number
  buckets: number
}

export async function readFeed({ folder, now, deltas, buckets }: FeedFolder): Promise<Feed> {
  const files = new Map([['manifest', await readFile(join(folder, 'manifest'))]])
  for (const name of await readdir(join(folder, 'sections'))) {
    files.set(`sections/${name}`, await readFile(join(folder, 'sections', name)))
  }
  const numbers = Array.from({ length: deltas }, (_, number) => number)
  return {
    folder,
    url: 'http://127.0.0.1/feed',
    files,
    deltas: await Promise.all(numbers.map((number) => readFile(join(folder, 'deltas', String(number))))),
    now,
    buckets,
    fetch: async (input) => answer(files.get(pathOf(input instanceof Request ? input.url : String(input)))),
    close: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Returns settings for a gate that gets this feed from memory. */
export function settingOf(feed: Feed, keys: JWK[]): GateSetting {
  return { issuer: ISSUER, audience: AUDIENCE, keys, feed: { url: feed.url, keys: [FEED_KEY] }, fetch: feed.fetch }
}

/** Returns the claims of a token whose id is the one with this number in the feed. */
export function revokedClaims(feed: Feed, number: number): { jti: string; exp: number } {
  const bucket = Math.floor(feed.now / BUCKET_SECONDS) + 2 + (number % feed.buckets)
  return {
    jti: `revoked${number.toString(16).padStart(9, '0')}-${'id'.padEnd(19, '-')}`,
    exp: bucket * BUCKET_SECONDS + 100,
  }
}

/** Serves the same feed over HTTP, for runtimes that are separate processes. */
export async function serveFeed(feed: Feed): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    const file = feed.files.get(pathOf(`http://127.0.0.1${request.url ?? ''}`))
    response.statusCode = file === undefined ? 404 : 200
    response.end(file)
  })
  const port = await freePort()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${port}/feed`, server }
}

async function build(order: object): Promise<void> {
  const parameters = [
    'run',
    '--release',
    '--quiet',
    '--package',
    'portcullis',
    '--features',
    'origin',
    '--example',
    'feed_maker',
  ]
  const maker = spawn('cargo', parameters, { cwd: ROOT, stdio: ['pipe', 'inherit', 'inherit'] })
  maker.stdin.end(JSON.stringify(order))
  const [code] = (await once(maker, 'exit')) as [number | null]
  if (code !== 0) throw new Error('the feed could not be created')
}

function pathOf(url: string): string {
  return new URL(url).pathname.replace('/feed/', '')
}

function answer(file: Buffer | undefined): Response {
  return file === undefined ? new Response(null, { status: 404 }) : new Response(new Uint8Array(file))
}
