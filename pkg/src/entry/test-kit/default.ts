// Every host but workerd. The modules are part of the code.
import { memoryStore } from '../../origin/store/memory.ts'
import { openTestRealm } from '../../testing/realm.ts'
import type { TestRealm, TestRealmOptions } from '../../testing/types.ts'
import { createGate } from '../edge/default.ts'
import { createOrigin, generateFeedKey, startLoading } from '../origin/default.ts'

/**
 * Makes an issuer, an origin in memory and a gate, connected without network, ports or files, for tests of an app. Its
 * keys are new each time, so that its gate accepts no token of a real issuer. Rejects with `invalid_option`.
 */
export function createTestRealm(options: TestRealmOptions = {}): Promise<TestRealm> {
  return openTestRealm(options, { createGate, createOrigin, generateFeedKey, memoryStore, startLoading })
}

export { createTestIssuer } from '../../testing/issuer.ts'
export type * from '../../testing/types.ts'
