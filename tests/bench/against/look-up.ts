// Lookups in the revocation state, in a wasm module that is built with the crate of each build, without the package.
// All instances are in this process, because a single call into wasm is timed.

import type { Feed } from '../feed.ts'
import { openModule } from '../module.ts'
import type { Build } from './build.ts'
import type { Station } from './turns.ts'

const LOOK_UPS = 100_000

/** Creates a separate instance. A turn returns nanoseconds per lookup. */
export async function lookUpStation(build: Build, feed: Feed): Promise<Station> {
  const module = await openModule(build.root)
  module.load(feed)
  return {
    prepare: () => Promise.resolve(),
    turn: () => Promise.resolve(module.lookUp(LOOK_UPS)),
    close: () => Promise.resolve(),
  }
}
