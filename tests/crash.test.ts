// Kills the origin with SIGKILL during requests of 64 revokers and restarts it, many times. No acknowledged revocation
// may be lost, no sequence reused, and the edge must end at the origin's sequence.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from '../www/demo/client.ts'
import { pause } from '../www/demo/child.ts'
import { startEdge } from '../www/demo/edge.ts'
import { startOrigin } from '../www/demo/start-origin.ts'
import { openPlace } from './place.ts'
import { figure, rounds } from './tier.ts'

const KILLS = rounds(10, 50)
/** A kill after the last response tests nothing and is repeated; on a busy machine many do. */
const MOST_KILLS = 3 * KILLS
const REVOKERS = 64
const CONVERGENCE_SECONDS = 15

test(`${KILLS} kills during requests of ${REVOKERS} revokers lose nothing`, { timeout: 600_000 }, async () => {
  const place = await openPlace()
  try {
    const client = new Client(place)
    let origin = await startOrigin(place)
    place.children.push(await startEdge(place))
    const retried: string[] = []
    const acknowledged: string[] = []
    let highest = 0
    let interrupted = 0
    let kills = 0

    for (; interrupted < KILLS && kills < MOST_KILLS; kills += 1) {
      // Fetches tokens in advance, so that the time until the kill is spent on revocations only.
      const lacking = Array.from({ length: REVOKERS - retried.length })
      const fresh = await Promise.all(lacking.map(async () => (await client.logIn('alice')).access_token))
      const before = await client.originSequence()
      assert.ok(before >= highest, `the sequence went back from ${highest} to ${before}`)

      // A retried revocation may have been recorded although its response was lost; only a new one must add a row.
      const answers = { fresh: 0, retried: 0 }
      const revoke = async (token: string, kind: 'fresh' | 'retried') => {
        const answer = await client.revoke(token).catch(() => undefined)
        if (answer?.status === 200) {
          answers[kind] += 1
          acknowledged.push(token)
        } else retried.push(token)
      }
      const revokers = [
        ...retried.splice(0).map((token) => revoke(token, 'retried')),
        ...fresh.map((token) => revoke(token, 'fresh')),
      ]
      const all = Promise.all(revokers)
      let ended = false
      void all.then(() => (ended = true))
      // The kill comes after a random time or a random number of responses, while the other requests are in flight.
      const answered = () => answers.fresh + answers.retried
      while (answered() === 0 && !ended) await pause(1)
      const [latest, most] = [performance.now() + Math.random() * 80, Math.random() * (REVOKERS / 2)]
      while (performance.now() < latest && answered() < most && !ended) await pause(1)
      await origin.stop('SIGKILL')
      await all
      if (retried.length > 0) interrupted += 1
      origin = await startOrigin(place)
      highest = await client.originSequence()
      assert.ok(
        highest >= before + answers.fresh,
        `${answers.fresh} new revocations were acknowledged after ${before}, but the ledger is at ${highest}`,
      )
    }
    place.children.push(origin)
    assert.ok(
      interrupted > KILLS / 2,
      `only ${interrupted} of ${kills} kills hit revocations in flight: too few for this test`,
    )

    const deadline = Date.now() + CONVERGENCE_SECONDS * 1000
    while ((await client.edgeSequence()) !== highest && Date.now() < deadline) await pause(50)
    assert.equal(await client.edgeSequence(), highest, 'the edge did not catch up with the origin')
    for (const token of acknowledged) {
      const answer = await client.call(token)
      assert.equal(answer.status, 401, 'a revocation that was acknowledged is not enforced')
      // Refused as revoked, not as expired: tokens live longer than this test runs.
      assert.match(String(answer.body['error_description']), /revoked/)
    }
    figure(
      `${acknowledged.length} acknowledged revocations, ${interrupted} of ${kills} kills hit others in flight, head ${highest}`,
    )
  } finally {
    await place.close()
  }
})
