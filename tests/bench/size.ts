// Sizes of the edge's modules, and their cost in a cold start.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { freePort } from '../../www/demo/child.ts'
import { serveWorker } from '../../www/demo/workerd.ts'
import type { ColdStart } from './child/compile.ts'
import { makeFeed, ROOT } from './feed.ts'
import { program } from './program.ts'
import { inTurns, line, median, OURS } from './race.ts'
import type { Bench } from './run.ts'
import { makeKey, mint } from './tokens.ts'
import { openWorker } from './worker/client.ts'

const MODULES = { default: 'pkg/wasm/edge/core_bg.wasm', slim: 'pkg/wasm/edge-slim/core_bg.wasm' }
const STARTS = 7
/** Copies in one worker: its start is detected by polling, which is too coarse for a single module. */
const COPIES = 5
/** The shortest valid module. */
const EMPTY = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])

export const size: Bench = {
  names: ['size.default', 'size.slim', 'size.compile', 'size.instantiate'],
  async *run(wanted) {
    for (const [name, path] of Object.entries(MODULES)) {
      const module = wanted(`size.${name}`) ? await readFile(join(ROOT, path)).catch(() => undefined) : undefined
      if (module !== undefined)
        yield line(`size.${name}`, 'node', 'kB', { [OURS]: gzipSync(module, { level: 9 }).length / 1000 })
    }
    const path = join(ROOT, MODULES.default)
    const starts: ColdStart[] = []
    for (let start = 0; start < STARTS; start += 1) starts.push(await program<ColdStart>('compile.ts', { path }))
    if (wanted('size.compile')) {
      yield line('size.compile', 'node', 'ms', { [OURS]: median(starts.map(({ compileMs }) => compileMs)) })
      yield line('size.compile', 'workerd', 'ms', { [OURS]: await compileInWorkerd(await readFile(path)) })
    }
    if (wanted('size.instantiate')) {
      yield line('size.instantiate', 'node', 'ms', { [OURS]: median(starts.map(({ instantiateMs }) => instantiateMs)) })
      yield line('size.instantiate', 'workerd', 'ms', { [OURS]: await instantiateInWorkerd() })
    }
  },
}

/**
 * Measures how much longer a worker takes to start with copies of the module than with the same number of empty ones.
 */
async function compileInWorkerd(module: Buffer): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-bench-'))
  try {
    const entries = {
      [OURS]: await writeEntry(join(folder, 'full'), module),
      empty: await writeEntry(join(folder, 'empty'), EMPTY),
    }
    const figures = await inTurns(Object.keys(entries), async (name) => {
      const entry = name === OURS ? entries[OURS] : entries.empty
      const start = performance.now()
      const options = { name, entry: entry ?? '', folder: join(folder, 'worker'), bindings: {}, readyPath: '/' }
      const worker = await serveWorker({ ...options, port: await freePort() })
      const elapsedMs = performance.now() - start
      await worker.stop('SIGKILL')
      return elapsedMs
    })
    return ((figures[OURS] ?? Number.NaN) - (figures['empty'] ?? Number.NaN)) / COPIES
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Writes a worker that imports the copies, each with a different custom section, because V8 reuses identical modules.
 */
async function writeEntry(folder: string, module: Buffer): Promise<string> {
  await mkdir(folder)
  const imports: string[] = []
  for (let copy = 0; copy < COPIES; copy += 1) {
    await writeFile(join(folder, `copy${copy}.wasm`), Buffer.concat([module, Buffer.of(0, 3, 1, 0x63, copy)]))
    imports.push(`import copy${copy} from './copy${copy}.wasm'`)
  }
  const copies = imports.map((_, copy) => `copy${copy}`).join(', ')
  const entry = join(folder, 'entry.js')
  await writeFile(
    entry,
    `${imports.join('\n')}\nexport default { fetch: () => new Response(String([${copies}].length)) }\n`,
  )
  return entry
}

async function instantiateInWorkerd(): Promise<number> {
  const key = await makeKey('ES256')
  const [feed, tokens, worker] = [await makeFeed({ ids: 1 }), await mint(key, 1), await openWorker()]
  try {
    return await worker.time({ key, tokens, feed, check: 'check', sight: 'again' }, 'instantiate')
  } finally {
    await worker.close()
    await feed.close()
  }
}
