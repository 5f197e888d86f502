// Row 14: an administrator impersonates a user.

import { pause } from '../../../www/demo/child.ts'
import { WEB } from '../clients.ts'
import { requireEvidence, userEvent } from '../evidence.ts'
import { impersonate, nameActor } from '../impersonation.ts'
import type { Login } from '../login.ts'
import { ends, type Case, type Row } from '../row.ts'
import type { Scene } from '../scene.ts'

const REPORT_SECONDS = 10

export const IMPERSONATION: Row = {
  number: 14,
  title: 'impersonation',
  cases: [
    {
      title: "'accept': its token passes",
      run: (scene) =>
        impersonating(scene, async (begin) => {
          const login = await begin()
          await scene.accepted(login)
        }),
    },
    {
      title: "'mark', by act: its token passes, and the verdict names the administrator",
      stage: { tokens: { impersonation: 'mark' } },
      run: (scene) =>
        impersonating(scene, async (begin) => {
          await nameActor(scene.realm, WEB)
          const { accessToken } = await begin()
          const verdict = await scene.stage.call(accessToken)
          if (!verdict.ok) throw new Error(`it is refused (${verdict.reason})`)
          if (verdict.impersonatedBy?.sub === undefined) throw new Error('the verdict does not name the administrator')
          const own = await scene.stage.call((await scene.logIn('erin', WEB)).accessToken)
          if (!own.ok || own.impersonatedBy !== undefined) throw new Error("the user's own login is marked")
        }),
    },
    {
      title: "'mark', by the event: its token passes, and the origin reports it",
      rounds: ['all', 'no-push'],
      stage: { connector: { impersonation: 'mark' } },
      run: (scene) =>
        impersonating(scene, async (begin) => {
          const login = await begin()
          await reported(scene)
          await scene.accepted(login)
        }),
    },
    {
      title: "'refuse', by act: its token never passes",
      stage: { tokens: { impersonation: 'refuse' } },
      run: (scene) =>
        impersonating(scene, async (begin) => {
          await nameActor(scene.realm, WEB)
          await refusedAtOnce(scene, await begin())
        }),
    },
    {
      title: "'refuse', by the event: its session is ended",
      rounds: ['all', 'no-push'],
      stage: { connector: { impersonation: 'refuse' } },
      run: (scene) =>
        impersonating(scene, async (begin) => {
          const begun = performance.now()
          scene.seconds.push(await scene.refused(ends(await begin(), 'session_revoked'), begun))
        }),
    },
  ],
}

/** Checks that Keycloak shows the impersonation, and that the user's own logins are accepted before and after. */
async function impersonating(
  scene: Scene,
  run: (begin: () => Promise<Login>) => Promise<void>,
): ReturnType<Case['run']> {
  const own = await scene.logIn('erin', WEB)
  const since = Date.now()
  await run(() => impersonate(scene.realm, 'erin', WEB))
  for (const login of [own, await scene.logIn('erin', WEB)]) await scene.accepted(login)
  await requireEvidence(userEvent({ type: 'IMPERSONATE', userId: own.sub }), scene.realm, since)
}

async function refusedAtOnce(scene: Scene, { accessToken }: Login): Promise<void> {
  const verdict = await scene.stage.call(accessToken)
  if (verdict.ok || verdict.reason !== 'wrong_type')
    throw new Error(`it is ${verdict.ok ? 'accepted' : verdict.reason}`)
}

/** Waits until the origin has reported the impersonation. */
async function reported({ stage }: Scene): Promise<void> {
  const deadline = Date.now() + REPORT_SECONDS * 1000
  while (!stage.reports().includes("began a session in a user's name")) {
    if (Date.now() > deadline) throw new Error('the origin does not report it')
    await pause(100)
  }
}
