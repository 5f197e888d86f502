// Instructions of the native core, counted by callgrind. No clock is involved, so load on the machine does not matter.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { makeFeed, ROOT, type Order } from '../feed.ts'
import type { Build, Builds } from './build.ts'
import { outcomeOf, type Outcome, type Outcomes } from './turns.ts'

/** Names of figures on the command line, with the program's name for the work. */
export const COUNTED: Record<string, string> = {
  'verdict.RS256': 'verdict.RS256',
  'verdict.ES256': 'verdict.ES256',
  'verdict.EdDSA': 'verdict.EdDSA',
  'verdict.HS256': 'verdict.HS256',
  status: 'status',
  apply_delta: 'delta',
}

/** The same program counts both builds. */
const PROGRAM = 'tests/bench/counted.rs'
/** Counts of the same build differ only because the system chooses addresses. */
const RUNS = 2
/** The issuer and the time of the vectors. */
const FEED: Order = {
  ids: 100_000,
  epochs: 10_000,
  deltas: 100,
  changes: 100,
  issuer: 'https://id.example/realms/acme',
  now: 1_800_000_000,
}

/**
 * Counts instructions of each figure's work, before and after. The A/A run is two more sets of runs of the build
 * before.
 */
export async function count(builds: Builds, figures: readonly string[]): Promise<Outcomes> {
  if (spawnSync('valgrind', ['--version']).status !== 0)
    throw new Error('valgrind is missing: apt-get install valgrind')
  const [before, after] = [await compile(builds.before), await compile(builds.after)]
  const feed = await makeFeed(FEED)
  try {
    const outcomes = new Map<string, Outcome | Error>()
    for (const figure of figures) {
      const samples: number[][] = [[], [], [], []]
      for (let run = 0; run < RUNS; run += 1) {
        for (const [contestant, counts] of samples.entries()) {
          const program = contestant === 1 ? after : before
          counts.push(await instructions(program, COUNTED[figure] ?? figure, feed.folder))
        }
      }
      outcomes.set(
        figure,
        outcomeOf(
          'lower',
          samples.map((counts) => [counts]),
        ),
      )
    }
    return outcomes
  } finally {
    await feed.close()
  }
}

/** Compiles the program for a build. Fails if an older crate lacks something that the program uses. */
async function compile({ label, root }: Build): Promise<string> {
  if (label === 'before') {
    // Built with the lock file and the profile of that commit. If its manifest does not list the program, it is built
    // as an example.
    const named = join(root, PROGRAM)
    const copy = existsSync(named) ? named : join(root, 'examples/counted.rs')
    await mkdir(dirname(copy), { recursive: true })
    await copyFile(join(ROOT, PROGRAM), copy)
  }
  const parameters = ['build', '--release', '--quiet', '--locked', '--package', 'portcullis', '--features', 'origin']
  await run('cargo', [...parameters, '--example', 'counted'], root)
  return join(root, 'target/release/examples/counted')
}

async function instructions(program: string, work: string, feed: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-bench-'))
  try {
    const output = join(folder, 'counts')
    const options = [
      '--quiet',
      '--tool=callgrind',
      '--toggle-collect=*counted::measured*',
      `--callgrind-out-file=${output}`,
    ]
    await run('valgrind', [...options, program, work, feed, join(ROOT, 'tests/vectors/verdicts.json')], folder)
    const total = Number(/^(?:summary|totals): (\d+)$/m.exec(await readFile(output, 'utf8'))?.[1])
    if (!(total > 0)) throw new Error('callgrind counted nothing')
    return total
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function run(program: string, parameters: string[], folder: string): Promise<void> {
  const child = spawn(program, parameters, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`${program} exited with ${String(code)}`)
}
