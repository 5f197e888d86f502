// The Rust core alone, in wasm: whole tokens through the gate, compared to bare signature verification by the fastest
// crate, which reads no claims.

import { newcomer } from './cold.ts'
import { makeFeed } from './feed.ts'
import { checkAllSync } from './gate.ts'
import { CRATES, openModule } from './module.ts'
import { line, OURS, race } from './race.ts'
import type { Bench } from './run.ts'
import { makeKey, mint } from './tokens.ts'

const RUST_ONLY: object = { verifySignatures: 'rust' }

export const rust: Bench = {
  names: Object.keys(CRATES).map((algorithm) => `rust_only.${algorithm}`),
  async *run(wanted) {
    const feed = await makeFeed({ ids: 100_000, epochs: 10_000 })
    try {
      for (const [algorithm, { crate }] of Object.entries(CRATES)) {
        if (!wanted(`rust_only.${algorithm}`)) continue
        const key = await makeKey(algorithm)
        const tokens = await mint(key)
        const module = await openModule()
        const ours = newcomer(feed, key, tokens, checkAllSync, RUST_ONLY)
        yield line(
          `rust_only.${algorithm}`,
          'node',
          'µs',
          await race({ [OURS]: ours, [crate]: module.verifier(key, tokens) }),
        )
      }
    } finally {
      await feed.close()
    }
  },
}
