// Look-ups in the revocation state, in a wasm module that is built with the crate of each build: no package takes part.
// All instances stand in this process, for it is one call into wasm that is timed.

import type { Feed } from '../feed.ts'
import { openModule } from '../module.ts'
import type { Build } from './build.ts'
import type { Station } from './turns.ts'

const LOOK_UPS = 100_000

/** An instance of its own. Nanoseconds a look-up. */
export async function lookUpStation(build: Build, feed: Feed): Promise<Station> {
  const module = await openModule(build.root)
  module.load(feed)
  return {
    prepare: () => Promise.resolve(),
    turn: () => Promise.resolve(module.lookUp(LOOK_UPS)),
    close: () => Promise.resolve(),
  }
}
