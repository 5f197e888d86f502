import { AUDIT_CASES } from './contract/audit-cases.ts'
import { CONNECTOR_CASES } from './contract/connector-cases.ts'
import { ROW_CASES } from './contract/row-cases.ts'
import type { Case } from './contract/samples.ts'
import type { RevocationStore } from './store.ts'

export type { RevocationStore } from './store.ts'

/** A store for one test. */
export interface StoreUnderTest {
  /** New, and not open. */
  store: RevocationStore
  /**
   * Returns another object over the same data, as the next process would create it. Absent if only `store` itself can
   * access its data.
   */
  reopen?(): RevocationStore | Promise<RevocationStore>
  /** Removes the test's files and tables. The store is closed by then. */
  dispose?(): void | Promise<void>
}

export interface StoreContractOptions {
  /**
   * Registers one test: `test` of node:test, `it` of Vitest, Jest or Mocha, `Deno.test`, or a function that collects
   * them.
   */
  test(name: string, body: () => Promise<void>): unknown
  /** Default `true`. `false` omits the parts for connectors: named state and the outbox. */
  connectors?: boolean
}

/**
 * Registers the tests that every `RevocationStore` must pass, each with its own store. They need neither a test runner
 * nor Node, so they also run where the store does, such as in a Worker. Power loss is not tested.
 */
export function storeContract(
  makeStore: () => StoreUnderTest | Promise<StoreUnderTest>,
  { test, connectors = true }: StoreContractOptions,
): void {
  for (const each of [...ROW_CASES, ...AUDIT_CASES, ...(connectors ? CONNECTOR_CASES : [])])
    test(each.name, () => runCase(each, makeStore))
}

async function runCase({ run }: Case, makeStore: () => StoreUnderTest | Promise<StoreUnderTest>): Promise<void> {
  const made = await makeStore()
  let store = made.store
  try {
    await store.open()
    await run({
      store,
      async reopened() {
        await store.close()
        store = (await made.reopen?.()) ?? store
        await store.open()
        return store
      },
      other: async () => made.reopen?.(),
    })
  } finally {
    await store.close()
    await made.dispose?.()
  }
}
