// The Keycloak distribution: downloaded, verified, unpacked and augmented once, then kept in a cache folder that is
// never written again.

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { access, chmod, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { promisify } from 'node:util'
import { locked } from '../lock.ts'

const run = promisify(execFile)

const VERSION = '26.7.3'
/** Published beside the archive. */
const SHA256 = '27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f'
const NAME = `keycloak-quarkus-dist-${VERSION}.zip`
const URL = `https://repo1.maven.org/maven2/org/keycloak/keycloak-quarkus-dist/${VERSION}/${NAME}`
/** Options of the augmentation. A start with other options would augment again. */
const BUILD_OPTIONS = ['--features=ssf', '--db=dev-file']
const FETCH_MINUTES = 15

/** A required program or the archive is not available. */
export class Unavailable extends Error {}

/** Resolves to the folder of the augmented server. Rejects with `Unavailable`. */
export async function distribution(say: (text: string) => void): Promise<string> {
  await requireJava()
  const cache = cacheFolder()
  const server = join(cache, 'server')
  if (await exists(server)) return server
  await mkdir(cache, { recursive: true })
  await locked(join(cache, 'lock'), async () => {
    if (await exists(server)) return
    for (const name of await readdir(cache))
      if (name.endsWith('.part')) await rm(join(cache, name), { recursive: true })
    await run('python3', ['--version']).catch(() => {
      throw new Unavailable('Python 3 is missing')
    })
    const archive = await fetched(cache, say)
    await augmented(archive, server, say)
  })
  return server
}

/** Returns `PORTCULLIS_CACHE` or the user's cache folder. */
function cacheFolder(): string {
  const base =
    process.env['PORTCULLIS_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'portcullis')
  return join(base, 'keycloak', VERSION)
}

async function requireJava(): Promise<void> {
  const { stderr } = await run('java', ['-version']).catch(() => {
    throw new Unavailable('Java is missing: apt-get install openjdk-17-jre-headless')
  })
  const major = Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0)
  if (major < 17) throw new Unavailable('Java 17 or newer is needed: apt-get install openjdk-17-jre-headless')
}

/** Downloads and verifies the archive. */
async function fetched(cache: string, say: (text: string) => void): Promise<string> {
  const archive = join(cache, NAME)
  if ((await exists(archive)) && (await sha256(archive)) === SHA256) return archive
  say(`fetching Keycloak ${VERSION} (177 MB) from Maven Central`)
  const part = partOf(archive)
  const signal = AbortSignal.timeout(FETCH_MINUTES * 60_000)
  try {
    const response = await fetch(URL, { signal })
    if (!response.ok || response.body === null) throw new Error(`the server returned ${response.status}`)
    await pipeline(Readable.fromWeb(response.body as ReadableStream), createWriteStream(part))
  } catch (error) {
    await rm(part, { force: true })
    throw new Unavailable(`Keycloak ${VERSION} cannot be fetched from Maven Central`, { cause: error })
  }
  if ((await sha256(part)) !== SHA256) throw new Error(`${part} is not the expected archive: its SHA-256 differs`)
  await rename(part, archive)
  return archive
}

/** Unpacks the archive with Python, which the tests need anyway, and augments the server. */
async function augmented(archive: string, server: string, say: (text: string) => void): Promise<void> {
  say(`unpacking and augmenting Keycloak ${VERSION}`)
  const part = partOf(server)
  await run('python3', ['-m', 'zipfile', '-e', archive, part])
  const unpacked = join(part, `keycloak-${VERSION}`)
  // Python's module does not restore permissions.
  for (const name of await readdir(join(unpacked, 'bin')))
    if (name.endsWith('.sh')) await chmod(join(unpacked, 'bin', name), 0o755)
  await run(join(unpacked, 'bin/kc.sh'), ['build', ...BUILD_OPTIONS], { maxBuffer: 2 ** 24 })
  await rename(unpacked, server)
  await rm(part, { recursive: true })
}

/** Returns a different path for each process, so that a lock lost in a crash costs at most duplicate work. */
function partOf(path: string): string {
  return `${path}.${process.pid}.part`
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
