// Reports each result of the suite as a separate test.

import type { TestContext } from 'node:test'
import type { Result } from './suite.ts'

export async function report(context: TestContext, results: Result[]): Promise<void> {
  if (results.length === 0) throw new Error('the suite ran no test')
  for (const { name, problem } of results) {
    await context.test(name, () => {
      if (problem !== undefined) throw new Error(problem)
    })
  }
}
