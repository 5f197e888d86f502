// Figures of the Rust core alone, which cargo measures; they print the same lines.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Bench, Line } from './run.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export const native: Bench = {
  names: ['false_positive_rate', 'ledger_restore'],
  async *run(wanted) {
    for (const name of native.names.filter(wanted)) {
      const features = ['--package', 'portcullis', '--features', 'origin', '--quiet']
      const cargo = spawn('cargo', ['bench', ...features, '--bench', name], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
      const exit = once(cargo, 'exit')
      for await (const line of createInterface({ input: cargo.stdout })) {
        if (line.startsWith('{')) yield JSON.parse(line) as Line
      }
      const [code] = (await exit) as [number | null]
      if (code !== 0) throw new Error(`cargo bench --bench ${name} failed`)
    }
  },
}
