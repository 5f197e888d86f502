// workerd, which compiles the modules when the worker is uploaded.
import { memoryStore } from '../../origin/store/memory.ts'
import { openTestRealm } from '../../testing/realm.ts'
import type { TestRealm, TestRealmOptions } from '../../testing/types.ts'
import { createGate } from '../edge/workerd.ts'
import { createOrigin, generateFeedKey } from '../origin/workerd.ts'

export function createTestRealm(options: TestRealmOptions = {}): Promise<TestRealm> {
  return openTestRealm(options, {
    createGate,
    createOrigin,
    generateFeedKey,
    memoryStore,
    startLoading: () => undefined,
  })
}

export { createTestIssuer } from '../../testing/issuer.ts'
export type * from '../../testing/types.ts'
