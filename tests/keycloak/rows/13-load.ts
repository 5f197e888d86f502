// Row 13: a thousand logouts at once.

import { pause } from '../../../www/demo/child.ts'
import { claimsOf } from '../../../www/demo/client.ts'
import { SILENT, WEB, type Client } from '../clients.ts'
import { answerOf, send } from '../http.ts'
import { tryPassword } from '../login.ts'
import type { Row } from '../row.ts'
import type { Scene } from '../scene.ts'

const SESSIONS = 1_000
const AT_ONCE = 20
const LIMIT_SECONDS = 60
const POLL_MS = 20

interface Session {
  readonly client: Client
  readonly accessToken: string
  readonly refreshToken: string
  readonly sid: string
}

export const LOAD: Row = {
  number: 13,
  title: 'many at once',
  cases: [
    {
      title: `${SESSIONS} sessions logged out at once`,
      tier: 'long',
      limitSeconds: LIMIT_SECONDS,
      async run(scene) {
        const spared = await scene.logIn('bob', WEB)
        // Logouts of a client without a URL are detected only by polling.
        const clients = scene.round === 'no-poll' ? [WEB] : [WEB, SILENT]
        const sessions = await each(
          Array.from({ length: SESSIONS }, (_, index) => clients[index % clients.length] ?? WEB),
          (client) => begin(scene, client),
        )
        const [since, begun] = [Date.now(), performance.now()]
        await each(sessions, (session) => end(scene, session))
        await each(sessions, ({ accessToken }) => refused(scene, accessToken))
        scene.seconds.push((performance.now() - begun) / 1000)
        await scene.accepted(spared)
        await requireLogouts(scene, sessions, since)
      },
    },
  ],
}

async function begin({ realm }: Scene, client: Client): Promise<Session> {
  const { status, text } = await tryPassword(realm, client, 'alice', 'alice-password')
  if (status !== 200) throw new Error(`Keycloak returned ${status} for a password: ${text.slice(0, 300)}`)
  const { access_token: accessToken = '', refresh_token: refreshToken = '' } = JSON.parse(text) as Record<
    string,
    string
  >
  return { client, accessToken, refreshToken, sid: String(claimsOf(accessToken)['sid']) }
}

/** Logs the session out by its refresh token. */
async function end({ realm }: Scene, { client, refreshToken }: Session): Promise<void> {
  const identity = { client_id: client.id, ...(client.secret === undefined ? {} : { client_secret: client.secret }) }
  const body = new URLSearchParams({ refresh_token: refreshToken, ...identity })
  const { status } = await answerOf(
    await send(`${realm.issuer}/protocol/openid-connect/logout`, { method: 'POST', body }),
  )
  if (status !== 204) throw new Error(`Keycloak returned ${status} for a logout`)
}

async function refused({ stage }: Scene, token: string): Promise<void> {
  const deadline = performance.now() + LIMIT_SECONDS * 1000
  for (;;) {
    const verdict = await stage.call(token)
    if (!verdict.ok && verdict.reason === 'session_revoked') return
    if (!verdict.ok) throw new Error(`a token is ${verdict.reason}, not session_revoked`)
    if (performance.now() > deadline) throw new Error(`a token is still accepted after ${LIMIT_SECONDS} s`)
    await pause(POLL_MS)
  }
}

/** Checks that Keycloak's own record contains all of them. */
async function requireLogouts({ realm }: Scene, sessions: readonly Session[], since: number): Promise<void> {
  const events = await realm.read<{ sessionId?: string }[]>(`events?type=LOGOUT&dateFrom=${since}&max=${2 * SESSIONS}`)
  const logged = new Set(events.map(({ sessionId }) => sessionId))
  const missing = sessions.filter(({ sid }) => !logged.has(sid)).length
  if (missing > 0) throw new Error(`Keycloak does not show ${missing} of the logouts`)
}

/** Runs `work` for each item, a limited number at a time. */
async function each<T, R>(of: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < of.length) {
      const index = next++
      results[index] = await work(of[index] as T)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return results
}
