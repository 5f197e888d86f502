// Loads a feed from disk, each file on the gate's request, and prints the size of the process.

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FEED_KEY } from '../feed.ts'
import { answer, input } from '../program.ts'
import { AUDIENCE, ISSUER, makeKey } from '../tokens.ts'
import { unopenedGate } from '../gate.ts'

export interface Resident {
  /** Bytes of the resident set, after collecting garbage. */
  held: number
  /** The same at its greatest, while it was loading. */
  peak: number
  /** The same at its greatest, while all of it was replaced by the state of `next`. */
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
// From here on the greatest is counted anew.
await writeFile('/proc/self/clear_refs', '5')
current = next
await gate.refresh()
if (gate.status()[0]?.tokenIds !== tokenIds + 1) throw new Error('the state was not replaced')
answer({ held, peak, replacing: await greatest() } satisfies Resident)

/** The greatest resident set so far; Linux counts it in KiB. */
async function greatest(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8')
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]) * 1024
}

/** The resident set once everything that is over has been given back. */
async function settled(): Promise<number> {
  for (let turn = 0; turn < 5; turn += 1) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return process.memoryUsage().rss
}
