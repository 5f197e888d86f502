// The contract of stores inside a worker, which has no test runner: returns the result of each test.

import { memoryStore } from 'portcullis/origin/memory'
import { storeContract } from 'portcullis/origin/store-contract'
import type { Result } from './suite.ts'

export default {
  async fetch(request: Request): Promise<Response> {
    if (request.method !== 'POST') return new Response('post to run the contract')
    // A planted fault must be detected here as well.
    const { lostRows } = (await request.json()) as { lostRows: number }
    const tests: { name: string; body: () => Promise<void> }[] = []
    storeContract(() => ({ store: lostRows === 0 ? memoryStore() : losing(lostRows) }), {
      test: (name, body) => tests.push({ name, body }),
    })
    const results: Result[] = []
    for (const { name, body } of tests) results.push(await outcome(name, body))
    return Response.json(results)
  },
}

async function outcome(name: string, body: () => Promise<void>): Promise<Result> {
  try {
    await body()
    return { name }
  } catch (error) {
    return { name, problem: error instanceof Error ? error.message : String(error) }
  }
}

function losing(lostRows: number): ReturnType<typeof memoryStore> {
  const store = memoryStore()
  return {
    ...store,
    async load(realm) {
      const found = await store.load(realm)
      return found && { ...found, rows: [...(found.rows as Iterable<never>)].slice(0, -lostRows) }
    },
  }
}
