// Starts the demo's origin and edge, then waits; with --tour, tries every method of revocation instead.

import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildPages } from '../pages/build.ts'
import { requirePort } from './child.ts'
import { startEdge } from './edge.ts'
import { DEMO, edgeUrl, originUrl, type Place } from './settings.ts'
import { startOrigin } from './start-origin.ts'
import { type Parts, tour } from './tour.ts'

/** Running processes, to be stopped at the end. */
const parts: Partial<Parts> = {}

async function main(): Promise<number> {
  await requirePort(DEMO.originPort, 'origin')
  await requirePort(DEMO.edgePort, 'edge worker')
  const touring = process.argv.includes('--tour')
  // The tour starts with an empty folder, so that every run gives the same results.
  const place: Place = touring ? { ...DEMO, folder: await mkdtemp(join(tmpdir(), 'portcullis-tour-')) } : DEMO
  await mkdir(place.folder, { recursive: true })
  if (!touring) await buildPages()
  parts.origin = await startOrigin(place)
  parts.edge = await startEdge(place)
  if (touring) {
    const passed = await tour(place, parts as Parts)
    await rm(place.folder, { recursive: true, force: true })
    return passed ? 0 : 1
  }
  console.log(invitation(place))
  await new Promise((resolve) => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
  return 0
}

function invitation(place: Place): string {
  const token = `${originUrl(place)}/realms/acme/protocol/openid-connect/token`
  return `
Portcullis is running.

  origin   ${originUrl(place)}   Node and SQLite: issuer, ledger, feed
  edge     ${edgeUrl(place)}   a worker in workerd

Open in a browser:

  ${originUrl(place)}/          playground: a token's verdict, check by check
  ${originUrl(place)}/try       log in, call the API, log out
  ${originUrl(place)}/console   users, apps, sessions, keys and edges (admin)

Or try it in another terminal:

  # 1. log in
  TOKEN=$(curl -s ${token} \\
    -d grant_type=password -d client_id=demo -d username=alice -d password=alice-password \\
    | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')

  # 2. call the protected API at the edge: 200
  curl -i ${edgeUrl(place)}/api/whoami -H "Authorization: Bearer $TOKEN"

  # 3. revoke the token at the origin
  curl -i ${originUrl(place)}/v1/auth/token/revoke -H 'Content-Type: application/json' -d "{\\"token\\":\\"$TOKEN\\"}"

  # 4. call again: 401
  curl -i ${edgeUrl(place)}/api/whoami -H "Authorization: Bearer $TOKEN"

Users: alice, bob and admin, each with the password <name>-password. Ctrl-C stops the demo.
`
}

main()
  .catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    return 1
  })
  .then(async (code) => {
    await Promise.all([parts.origin?.stop(), parts.edge?.stop()])
    process.exit(code)
  })
