// A gate with a realms function under a flood of tokens with forged issuers: its effect on valid tokens, on calls of
// the function and on memory.

import type { Flood } from './child/invented.ts'
import { program } from './program.ts'
import { line, OURS } from './race.ts'
import type { Bench } from './run.ts'

export const invented: Bench = {
  names: ['invented_issuers'],
  async *run() {
    const flood = await program<Flood>('invented.ts', { seconds: 10, rate: 10_000, realms: 10 }, ['--expose-gc'])
    if (flood.refused > 0) throw new Error(`${flood.refused} valid tokens were refused`)
    if (flood.calls > flood.seconds + 1) throw new Error(`${flood.calls} calls in ${flood.seconds} seconds`)
    yield line('invented_issuers.rate', 'node', '/s', { [OURS]: flood.rate })
    yield line('invented_issuers.good_p99', 'node', 'µs', { [OURS]: flood.beside, 'without the flood': flood.alone })
    yield line('invented_issuers.calls', 'node', '/s', { [OURS]: flood.calls / flood.seconds })
    yield line('invented_issuers.resident', 'node', 'MB', { [OURS]: flood.resident / 1e6 })
    yield line('invented_issuers.core', 'node', 'MB', { [OURS]: flood.core / 1e6 })
  },
}
