// The environments that every change must pass.

import { after, before, test } from 'node:test'
import { entries } from './environments.ts'
import { Walk } from './walk.ts'

let walk: Walk

before(async () => {
  walk = await Walk.open()
})

after(async () => walk.close())

for (const entry of (await entries()).filter(({ environment }) => environment.tier === 'short')) {
  test(entry.environment.name, { timeout: 300_000 }, async (context) => {
    const { outcome, reason, seconds } = await walk.environment(entry)
    if (outcome === 'failed') throw new Error(`${entry.environment.configuration}: ${reason}`)
    if (outcome === 'skipped') return context.skip(reason)
    context.diagnostic(`${outcome}, ${seconds.toFixed(1)} s`)
  })
}
