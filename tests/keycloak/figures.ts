// Two figures on an idle machine: an origin's requests to Keycloak, and its memory with many ended sessions.

import { readFile } from 'node:fs/promises'
import { pause } from '../../www/demo/child.ts'
import { startServer, type Server } from './server.ts'
import { openStage, type Stage } from './stage.ts'

const SESSIONS = 50_000
const AT_ONCE = 50

/** Counts the requests in a minute without any action, by path, from Keycloak's log. */
async function requestsAMinute(server: Server, stage: Stage): Promise<Map<string, number>> {
  // The first pages have been read by then.
  await pause(5_000)
  const before = (await server.log()).length
  await pause(60_000)
  const counts = new Map<string, number>()
  for (const [, path = ''] of (await server.log()).slice(before).matchAll(/"(?:GET|POST) ([^ ?"]*)/g)) {
    const name = path.replace(stage.realm.name, '{realm}')
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

/** Measures resident memory before and after, in megabytes. Linux only. */
async function memory(stage: Stage): Promise<[number, number]> {
  const before = await residentMegabytes(stage.origin.pid)
  const administer = await stage.administrator()
  let next = 0
  const worker = async () => {
    while (next < SESSIONS) {
      const { status } = await administer('DELETE', `sessions/session-${next++}-of-many`)
      if (status !== 204) throw new Error(`the origin returned ${status}`)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return [before, await residentMegabytes(stage.origin.pid)]
}

async function residentMegabytes(pid: number): Promise<number> {
  const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? []
  return Math.round(Number(kilobytes) / 1024)
}

async function main(): Promise<void> {
  process.env['KC_HTTP_ACCESS_LOG_ENABLED'] = 'true'
  const server = await startServer((text) => console.log(text))
  try {
    const stage = await openStage(server, 'all')
    try {
      const counts = await requestsAMinute(server, stage)
      const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
      console.log(`figure: ${total} requests a minute to Keycloak ${server.version}`)
      for (const [path, count] of [...counts].sort(([, a], [, b]) => b - a)) console.log(`  ${count} ${path}`)
      const [before, after] = await memory(stage)
      console.log(`figure: ${before} MB before, ${after} MB with ${SESSIONS} sessions ended`)
    } finally {
      await stage.close()
    }
  } finally {
    await server.stop()
  }
}

await main()
