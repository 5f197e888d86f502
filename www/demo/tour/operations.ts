// Steps for operators: proof of enforcement, the audit log, and restarts without loss.

import { claimsOf } from '../client.ts'
import { startEdge } from '../edge.ts'
import { startOrigin } from '../start-origin.ts'
import { accepted, answered, expect, refused, type Stage, type Step, timed } from './step.ts'

/** How many audit entries are read back; the tour writes fewer. */
const AUDIT_LINES = 500

export function operationSteps(stage: Stage): Step[] {
  const { client } = stage
  let revoked = ''
  return [
    {
      title: 'A logout that returns once every edge enforces it (?wait=enforced)',
      run: async () => {
        const { access_token: token } = await client.logIn('bob')
        const path = `users/${String(claimsOf(token)['sub'])}/logout?wait=enforced&timeoutMs=4000`
        const answer = await client.administer(await stage.admin(), 'POST', path)
        answered(answer, 200)
        const { enforced, total, elapsedMs, missing } = answer.body
        expect(
          enforced === 1 && total === 1,
          `enforced on ${String(enforced)} of ${String(total)}: ${JSON.stringify(missing)}`,
        )
        refused(await client.call(token))
        return `enforced on ${String(enforced)} of ${String(total)} known edges after ${Number(elapsedMs).toFixed(0)} ms; the first call was refused`
      },
    },
    {
      title: 'The audit log records who did what (GET /admin/realms/acme/events)',
      run: async () => {
        const answer = await client.administer(await stage.admin(), 'GET', `events?max=${AUDIT_LINES}`)
        answered(answer, 200)
        const lines = answer.body as unknown as { action: string; actor?: string }[]
        const told = new Set(lines.map(({ action }) => action))
        for (const action of EXPECTED) expect(told.has(action), `the audit log has no entry ${action}`)
        const byAdministrators = lines.filter(({ actor }) => actor?.startsWith('admin:')).length
        return `${lines.length} entries, ${byAdministrators} of them by administrators; every kind of action in this tour is there`
      },
    },
    {
      title: 'The origin is killed and restarted: no revocation is lost',
      run: async () => {
        revoked = (await client.logIn('alice')).access_token
        answered(await client.revoke(revoked), 200)
        await client.refused(revoked)
        const before = await client.originSequence()
        await stage.origin.stop('SIGKILL')
        const alone = await client.call(revoked)
        expect(alone.status === 401, `the edge returned ${alone.status} while the origin was down`)
        stage.origin = await startOrigin(stage.place)
        const after = await client.originSequence()
        expect(after >= before, `the ledger's sequence went back from ${before} to ${after}`)
        refused(await client.call(revoked))
        const token = (await client.logIn('alice')).access_token
        accepted(await client.call(token))
        answered(await client.revoke(token), 200)
        return `sequence ${before} before, ${after} after; a new revocation: ${timed(await client.refused(token))}`
      },
    },
    {
      title: 'The edge is killed, misses a revocation, and catches up after a restart',
      run: async () => {
        const missed = (await client.logIn('alice')).access_token
        await stage.edge.stop('SIGKILL')
        answered(await client.revoke(missed), 200)
        stage.edge = await startEdge(stage.place)
        const start = performance.now()
        const first = refused(await client.call(missed))
        const milliseconds = performance.now() - start
        refused(await client.call(revoked))
        const head = await client.originSequence()
        expect((await client.edgeSequence()) === head, 'the edge is behind the origin')
        return `its first response: ${first}, after ${milliseconds.toFixed(0)} ms; it is at sequence ${head}`
      },
    },
  ]
}

/** Actions that the earlier steps must have left in the audit log. */
const EXPECTED = [
  'login',
  'refresh',
  'refresh_reused',
  'token_revoked',
  'refresh_token_revoked',
  'session_ended',
  'user_logged_out',
  'grant_ended',
  'realm_logged_out',
  'token_version_raised',
  'key_added',
  'key_not_before_raised',
  'key_banned',
]
