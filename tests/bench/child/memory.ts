// Loads a feed from disk, each file when the gate requests it, and prints the memory of the process.

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FEED_KEY } from '../feed.ts'
import { answer, input } from '../program.ts'
import { AUDIENCE, ISSUER, makeKey } from '../tokens.ts'
import { unopenedGate } from '../gate.ts'

export interface Resident {
  /** Resident set after garbage collection, in bytes. */
  held: number
  /** Peak resident set while the feed was loading. */
  peak: number
  /** Peak resident set while the whole state was replaced by that of `next`. */
  replacing: number
}

const { folder, next, tokenIds } = await input<{ folder: string; next: string; tokenIds: number }>()
let current = folder
const fromDisk: typeof fetch = async (url) => {
  const path = new URL(String(url)).pathname.replace('/feed/', '')
  const file = await readFile(join(current, path)).catch(() => undefined)
  return file === undefined ? new Response(null, { status: 404 }) : new Response(new Uint8Array(file))
}

const key = await makeKey('ES256')
const setting = {
  issuer: ISSUER,
  audience: AUDIENCE,
  keys: [key.jwk],
  feed: { url: 'http://127.0.0.1/feed', keys: [FEED_KEY] },
}
const gate = unopenedGate({ ...setting, fetch: fromDisk })
await settled()
await gate.refresh()
const loaded = gate.status()[0]?.tokenIds
if (loaded !== tokenIds) throw new Error(`${loaded} ids were loaded, not ${tokenIds}`)
const peak = await greatest()
const held = await settled()
// Resets the peak counter.
await writeFile('/proc/self/clear_refs', '5')
current = next
await gate.refresh()
if (gate.status()[0]?.tokenIds !== tokenIds + 1) throw new Error('the state was not replaced')
answer({ held, peak, replacing: await greatest() } satisfies Resident)

/** Returns the peak resident set so far; Linux reports it in KiB. */
async function greatest(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8')
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]) * 1024
}

/** Returns the resident set once garbage has been collected. */
async function settled(): Promise<number> {
  for (let turn = 0; turn < 5; turn += 1) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return process.memoryUsage().rss
}
