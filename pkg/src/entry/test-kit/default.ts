// All hosts but workerd. The modules are embedded in the code.
import { memoryStore } from '../../origin/store/memory.ts'
import { openTestRealm } from '../../testing/realm.ts'
import type { TestRealm, TestRealmOptions } from '../../testing/types.ts'
import { createGate } from '../edge/default.ts'
import { createOrigin, generateFeedKey, startLoading } from '../origin/default.ts'

/**
 * Creates an issuer, an in-memory origin and a gate, connected without network, ports or files, for tests of an app.
 * Its keys are new each time, so its gate accepts no token of a real issuer. Rejects with `invalid_option`.
 */
export function createTestRealm(options: TestRealmOptions = {}): Promise<TestRealm> {
  return openTestRealm(options, { createGate, createOrigin, generateFeedKey, memoryStore, startLoading })
}

export { createTestIssuer } from '../../testing/issuer.ts'
export type * from '../../testing/types.ts'
