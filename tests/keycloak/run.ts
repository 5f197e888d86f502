// Runs the table against a real Keycloak: `cargo xtask keycloak`.

import { parseArgs } from 'node:util'
import { checkInit } from './init.ts'
import type { Tier } from './row.ts'
import { ROWS, SHORT_ROWS } from './rows.ts'
import { ADMINISTRATOR, startServer, type Server } from './server.ts'
import { openStage, ROUNDS, type Round } from './stage.ts'
import { figures, table } from './table.ts'
import { Walk, type Result } from './walk.ts'

const USAGE = `known options here:
  --short           the rows and the round of the suite keycloak/short
  --rows 1,2        these rows only
  --round NAME      this round only: ${ROUNDS.join(', ')}
  --actions N       repeats rows 1 to 3 N times, for their p50 and p99
  --keep            leaves the server running, with a realm, an origin and an edge, until it is interrupted`

interface Options {
  tier: Tier
  /** Whether the steps of the guide, with `portcullis init`, are run first. */
  init: 'tried' | 'left_out'
  rows: readonly number[]
  rounds: readonly Round[]
  times: number | undefined
  keep: boolean
}

/** The current walk; its child processes are also stopped when this one is interrupted. */
let underWay: Walk | undefined

async function main(): Promise<boolean> {
  const options = read(process.argv.slice(2))
  const begun = performance.now()
  const server = await startServer((text) => console.log(text))
  const interrupted = new Promise<void>((resolve) => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
  try {
    console.log(
      `Keycloak ${server.version} at ${server.url}, ready after ${((performance.now() - begun) / 1000).toFixed(0)} s`,
    )
    const isSetUp = options.init === 'tried' ? await tryInit(server) : true
    const results = await Promise.race([walk(server, options), interrupted])
    if (results === undefined) return false
    console.log(`\n${table(results, options.rounds)}\n\nKeycloak ${server.version}`)
    if (options.keep) await keep(server, interrupted)
    return isSetUp && results.every(({ outcome }) => outcome !== 'failed')
  } finally {
    await underWay?.close()
    await server.stop()
  }
}

async function tryInit(server: Server): Promise<boolean> {
  try {
    await checkInit(server, (text) => console.log(`init: ${text}`))
    return true
  } catch (error) {
    console.log(`init failed: ${error instanceof Error ? error.message : 'unknown cause'}`)
    return false
  }
}

async function walk(server: Server, { tier, rows, rounds, times }: Options): Promise<Result[]> {
  const results: Result[] = []
  for (const round of rounds) {
    const walk = new Walk(server, round, { tier, times })
    underWay = walk
    try {
      for (const row of ROWS.filter(({ number }) => rows.includes(number))) {
        for (const each of walk.casesOf(row)) {
          const result = await walk.case(row, each)
          results.push(result)
          const detail = result.outcome === 'passed' ? figures(result.seconds) : `${result.outcome}: ${result.reason}`
          console.log(`${round.padEnd(8)}row ${row.number}, ${each.title}: ${detail}`)
        }
      }
    } finally {
      await walk.close()
    }
  }
  return results
}

async function keep(server: Server, interrupted: Promise<void>): Promise<void> {
  const stage = await openStage(server, 'all')
  const { username, password } = ADMINISTRATOR
  console.log(`
Everything is running until Ctrl-C:

  Keycloak   ${server.url}/admin/master/console/#/${stage.realm.name}   ${username}, ${password}
  origin     ${stage.originUrl}   realm ${stage.realm.name}
  edge       ${stage.edgeUrl}/api   returns the verdict on a token

Users: alice, bob, carol, dave, erin and root (administrator of the origin), each with the password <name>-password.`)
  await interrupted
  await stage.close()
}

function read(parameters: string[]): Options {
  const { values } = parseArgs({
    args: parameters,
    options: {
      short: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      rows: { type: 'string' },
      round: { type: 'string' },
      actions: { type: 'string' },
    },
  })
  const round = ROUNDS.find((each) => each === values.round)
  if (values.round !== undefined && round === undefined) throw new Error(USAGE)
  const all = values.short ? SHORT_ROWS : ROWS.map(({ number }) => number)
  return {
    tier: values.short ? 'short' : 'long',
    init: values.rows === undefined ? 'tried' : 'left_out',
    rows: values.rows?.split(',').map(Number) ?? all,
    rounds: round !== undefined ? [round] : values.short ? ['all'] : ROUNDS,
    times: values.actions === undefined ? undefined : Number(values.actions),
    keep: values.keep,
  }
}

main()
  .catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    return false
  })
  .then((passed) => process.exit(passed ? 0 : 1))
