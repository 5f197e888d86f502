// Figures of the Rust core alone, measured by cargo: programs that print the same lines, and Criterion benchmarks.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ROOT } from './feed.ts'
import { line, OURS } from './race.ts'
import type { Bench, Line } from './run.ts'

const PROGRAMS = ['false_positive_rate', 'ledger_restore']

/** Criterion benchmarks: the target, its name for the figure, and the unit in nanoseconds. */
const MEASURED: Record<string, { target: string; id: string; unit: string; nanoseconds: number }> = {
  ...Object.fromEntries(
    ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'HS256'].map((algorithm) => [
      `verdict.${algorithm}`,
      { target: 'verdict', id: `verdict/${algorithm}`, unit: 'µs', nanoseconds: 1e3 },
    ]),
  ),
  status: { target: 'status', id: 'status', unit: 'ns', nanoseconds: 1 },
  apply_delta: { target: 'delta', id: 'delta', unit: 'ms', nanoseconds: 1e6 },
  section_build: { target: 'section', id: 'section/build', unit: 'ms', nanoseconds: 1e6 },
}

export const native: Bench = {
  names: [...PROGRAMS, ...Object.keys(MEASURED)],
  async *run(wanted) {
    for (const name of PROGRAMS.filter(wanted)) {
      for (const text of await bench(name)) if (text.startsWith('{')) yield JSON.parse(text) as Line
    }
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-bench-'))
    try {
      for (const [name, { target, id, unit, nanoseconds }] of Object.entries(MEASURED)) {
        if (!wanted(name)) continue
        await bench(target, ['--warm-up-time', '1', '--measurement-time', '3', '--noplot', '--exact', id], {
          CRITERION_HOME: folder,
        })
        const estimates = JSON.parse(await readFile(join(folder, id, 'new/estimates.json'), 'utf8')) as Estimates
        yield line(name, 'native', unit, { [OURS]: estimates.median.point_estimate / nanoseconds })
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

/** Nanoseconds per iteration. */
interface Estimates {
  median: { point_estimate: number }
}

/** Runs a benchmark target and returns its output. */
async function bench(
  target: string,
  parameters: string[] = [],
  environment: Record<string, string> = {},
): Promise<string[]> {
  const features = ['--package', 'portcullis', '--features', 'origin', '--quiet']
  const cargo = spawn('cargo', ['bench', ...features, '--bench', target, '--', ...parameters], {
    cwd: ROOT,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(cargo, 'exit') as Promise<[number | null]>
  const lines: string[] = []
  for await (const text of createInterface({ input: cargo.stdout })) lines.push(text)
  const [code] = await exit
  if (code !== 0) throw new Error(`cargo bench --bench ${target} failed`)
  return lines
}
