// Row 13: Keycloak and the origin are killed, and no action in the meantime is lost.

import { randomInt } from 'node:crypto'
import { pause } from '../../../www/demo/child.ts'
import { SILENT, WEB } from '../clients.ts'
import { requireEvidence, sessionDeleted } from '../evidence.ts'
import type { Login } from '../login.ts'
import { ends, Skipped, type Row } from '../row.ts'
import { laterThan, type Scene } from '../scene.ts'

const DOWN_MS = 60_000
/** Keycloak's embedded database is durable after half a second; this waits longer. */
const DURABLE_MS = 2_000
/** The origin checks for lost events after a minute without a read; it stores its position twice a minute. */
const GAP_MS = 65_000
const KILLS = 8
const ENDED_A_KILL = 4
/** A poll begins as soon as the origin has started, and takes some tens of milliseconds. */
const KILLED_WITHIN_MS = 300

export const INTERRUPTIONS: Row = {
  number: 13,
  title: 'servers are killed',
  cases: [
    {
      title: 'Keycloak for a minute, right after the end of a session that the origin has not read yet',
      rounds: ['all', 'no-push'],
      tier: 'long',
      limitSeconds: 60,
      server: 'own',
      run: keycloakKilled,
    },
    {
      title: `the origin during ${KILLS} polls; a correction stays in force`,
      rounds: ['all', 'no-push'],
      tier: 'long',
      limitSeconds: 60,
      run: originKilled,
    },
    {
      title: 'the origin for longer than events are kept: by option, all tokens of that time',
      rounds: ['no-push'],
      tier: 'long',
      stage: { connector: { onGap: 'realm_not_before' } },
      run: eventsLost,
    },
  ],
}

async function keycloakKilled(scene: Scene): Promise<void> {
  const { stage, realm } = scene
  const { power } = stage.server
  if (power === undefined) throw new Skipped('the server belongs to another process')
  const [before, during, spared] = [
    await scene.logIn('alice', WEB),
    await scene.logIn('alice', SILENT),
    await scene.logIn('bob', WEB),
  ]
  await realm.change('DELETE', `sessions/${before.sid}`)
  await scene.refused(ends(before, 'session_revoked'))
  await stage.origin.cut()
  const since = Date.now()
  await realm.change('DELETE', `sessions/${during.sid}`)
  await pause(DURABLE_MS)
  await power.cut()
  const down = performance.now()
  await stage.origin.restore()
  await until(async () => (await lagOf(scene, 'admin_events')) >= DOWN_MS / 2_000, 'the lag is reported')
  if (!stage.reports().includes('"condition":"admin_events"'))
    throw new Error('the origin does not report that Keycloak is down')
  await pause(Math.max(0, DOWN_MS - (performance.now() - down)))
  // The edge still refuses the session that ended earlier.
  await scene.refused(ends(before, 'session_revoked'))
  await power.restore()
  scene.seconds.push(await scene.refused(ends(during, 'session_revoked')))
  await scene.accepted(spared)
  await until(async () => (await lagOf(scene, 'admin_events')) < 5, 'the lag is gone')
  await requireEvidence(sessionDeleted(during.sid), realm, since)
}

async function originKilled(scene: Scene): Promise<void> {
  const { stage, realm } = scene
  const [spared, corrected] = [await scene.logIn('bob', WEB), await scene.logIn('erin', SILENT)]
  const since = Date.now()
  await realm.change('POST', `users/${corrected.sub}/logout`)
  await scene.refused(ends(corrected, 'user_revoked'))
  const administer = await stage.administrator()
  const correction = await administer('POST', 'corrections?reason=by+mistake', {
    kind: 'user',
    subject: corrected.sub,
    notBefore: 1,
  })
  if (correction.status >= 300)
    throw new Error(`the origin returned ${correction.status} for a correction: ${correction.text}`)
  const ended: Login[] = []
  for (let kill = 0; kill < KILLS; kill += 1) {
    await stage.origin.cut()
    for (let each = 0; each < ENDED_A_KILL; each += 1) {
      const login = await scene.logIn('alice', SILENT)
      await realm.change('DELETE', `sessions/${login.sid}`)
      ended.push(login)
    }
    await stage.origin.restore()
    await pause(randomInt(KILLED_WITHIN_MS))
  }
  const begun = performance.now()
  for (const login of ended) await scene.refused(ends(login, 'session_revoked'))
  scene.seconds.push((performance.now() - begun) / 1000)
  await scene.accepted(spared)
  await scene.accepted(corrected)
  for (const { sid } of ended) await requireEvidence(sessionDeleted(sid), realm, since)
}

async function eventsLost(scene: Scene): Promise<void> {
  const { stage, realm } = scene
  const [known, lost, spared] = [
    await scene.logIn('alice', WEB),
    await scene.logIn('alice', SILENT),
    await scene.logIn('bob', WEB),
  ]
  await realm.change('DELETE', `sessions/${known.sid}`)
  await scene.refused(ends(known, 'session_revoked'))
  // The origin stores its position after an event once the event is recorded.
  await pause(DURABLE_MS)
  await stage.origin.cut()
  await realm.change('DELETE', `sessions/${lost.sid}`)
  await realm.change('DELETE', 'admin-events')
  await pause(GAP_MS)
  await stage.origin.restore()
  for (const login of [lost, spared]) await scene.refused(ends(login, 'realm_revoked'))
  if (!stage.reports().includes('"condition":"admin_events_gap"'))
    throw new Error('the origin does not report that events are lost')
  await laterThan(Math.floor(Date.now() / 1000))
  await scene.accepted(await scene.logIn('bob', WEB))
}

/** Returns how many seconds a source is behind, from the origin's metrics. */
async function lagOf(scene: Scene, source: string): Promise<number> {
  const [, seconds] =
    new RegExp(`^portcullis_connector_lag_seconds\\{[^}]*source="${source}"[^}]*\\} (\\S+)$`, 'm').exec(
      await scene.stage.metrics(),
    ) ?? []
  return Number(seconds)
}

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 2 * DOWN_MS
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${(2 * DOWN_MS) / 1000} s: ${what}`)
    await pause(200)
  }
}
