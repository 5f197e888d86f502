// The rows that every change must pass, against a real Keycloak with all sources.

import { after, before, test } from 'node:test'
import { Unavailable } from './distribution.ts'
import { checkInit } from './init.ts'
import { ROWS, SHORT_ROWS } from './rows.ts'
import { startServer, type Server } from './server.ts'
import { figures } from './table.ts'
import { Walk } from './walk.ts'

let server: Server | undefined
let walk: Walk | undefined
let unavailable: string | undefined

before(async () => {
  if (process.env['KEYCLOAK'] === 'no') {
    unavailable = 'KEYCLOAK=no'
    return
  }
  try {
    server = await startServer()
    walk = new Walk(server, 'all', { tier: 'short' })
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    unavailable = error.message
  }
})

after(async () => {
  await walk?.close()
  await server?.stop()
})

test('a new realm by portcullis init', async (context) => {
  if (server === undefined) return context.skip(unavailable)
  await checkInit(server, (text) => context.diagnostic(text))
})

for (const row of ROWS.filter(({ number }) => SHORT_ROWS.includes(number))) {
  test(`row ${row.number}: ${row.title}`, async (context) => {
    if (walk === undefined) return context.skip(unavailable)
    for (const each of walk.casesOf(row)) {
      const { outcome, reason, seconds } = await walk.case(row, each)
      if (outcome === 'failed') throw new Error(`${each.title}: ${reason}`)
      context.diagnostic(`${each.title}: ${reason ?? figures(seconds)}`)
    }
  })
}
