// Loads a feed from disk, each file when the gate asks for it, and tells how big the process is then.

import { readFile } from 'node:fs/promises'
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
}

const { folder, tokenIds } = await input<{ folder: string; tokenIds: number }>()
const fromDisk: typeof fetch = async (url) => {
  const path = new URL(String(url)).pathname.replace('/feed/', '')
  const file = await readFile(join(folder, path)).catch(() => undefined)
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
// Linux counts it in KiB.
const peak = process.resourceUsage().maxRSS * 1024
answer({ held: await settled(), peak } satisfies Resident)

/** The resident set once everything that is over has been given back. */
async function settled(): Promise<number> {
  for (let turn = 0; turn < 5; turn += 1) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return process.memoryUsage().rss
}
