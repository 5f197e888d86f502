// The origin is killed with SIGKILL while 64 revokers are at work, and started again, 50 times: no acknowledged
// revocation may be lost, no sequence used twice, and the edge must end where the origin is.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from '../www/demo/client.ts'
import { pause } from '../www/demo/child.ts'
import { startEdge } from '../www/demo/edge.ts'
import { startOrigin } from '../www/demo/start-origin.ts'
import { openPlace } from './place.ts'

const KILLS = 50
const REVOKERS = 64
const CONVERGENCE_SECONDS = 15

test(`${KILLS} kills amid ${REVOKERS} revokers lose nothing`, { timeout: 600_000 }, async () => {
  const place = await openPlace()
  try {
    const client = new Client(place)
    let origin = await startOrigin(place)
    place.children.push(await startEdge(place))
    const spare: string[] = []
    const acknowledged: string[] = []
    let highest = 0

    for (let kill = 0; kill < KILLS; kill += 1) {
      // Tokens are fetched before, so that the time until the kill is spent on revocations alone.
      const logins = await Promise.all(Array.from({ length: REVOKERS }, () => client.logIn('alice')))
      spare.push(...logins.map((login) => login.access_token))
      const before = await client.originSequence()
      assert.ok(before >= highest, `the ledger went back from ${highest} to ${before}`)

      const delay = 2 + Math.random() * 60
      const revokers = spare.splice(0, REVOKERS).map(async (token) => {
        const answer = await client.revoke(token).catch(() => undefined)
        if (answer?.status === 200) acknowledged.push(token)
        else spare.push(token)
      })
      await pause(delay)
      await origin.stop('SIGKILL')
      await Promise.all(revokers)
      origin = await startOrigin(place)
      highest = await client.originSequence()
      assert.ok(highest >= before, `the ledger went back from ${before} to ${highest}`)
      spare.length = Math.min(spare.length, REVOKERS)
    }
    place.children.push(origin)
    assert.ok(acknowledged.length > KILLS, `only ${acknowledged.length} revocations were acknowledged: nothing was tested`)

    const deadline = Date.now() + CONVERGENCE_SECONDS * 1000
    while ((await client.edgeSequence()) !== highest && Date.now() < deadline) await pause(50)
    assert.equal(await client.edgeSequence(), highest, 'the edge did not catch up with the origin')
    for (const token of acknowledged) {
      const answer = await client.call(token)
      assert.equal(answer.status, 401, 'a revocation that was acknowledged is not enforced')
    }
    console.log(`# ${acknowledged.length} acknowledged revocations over ${KILLS} kills, head ${highest}`)
  } finally {
    await place.close()
  }
})
