// Row 9: user attributes that mappers put into tokens.

import { pause } from '../../../www/demo/child.ts'
import { WEB } from '../clients.ts'
import { adminEvent } from '../evidence.ts'
import { ends, type Row } from '../row.ts'
import type { Scene } from '../scene.ts'

const WRITTEN_MS = 10_000
/** Longer than the poll of the administrator's change and the resulting write. */
const QUIET_MS = 2_500

interface User {
  enabled: boolean
  attributes?: Record<string, string[]>
}

export const ATTRIBUTES: Row = {
  number: 9,
  title: 'user attributes in tokens',
  cases: [
    {
      title: 'token_version is raised',
      // Keycloak sends no message about it but stores an event.
      rounds: ['all', 'no-push'],
      async run(scene) {
        const erin = await scene.logIn('erin', WEB)
        await scene.enforce({
          ended: [ends(erin, 'version_revoked')],
          spared: [await scene.logIn('bob', WEB)],
          act: () => raiseVersion(scene, erin.sub),
          again: () => scene.logIn('erin', WEB),
          evidence: [adminEvent({ operationType: 'UPDATE', resourceType: 'USER', resourcePath: `users/${erin.sub}` })],
        })
      },
    },
    {
      title: 'last_logout_time is written, while an administrator disables the user',
      stage: { connector: { lastLogoutTime: 'write' } },
      async run(scene) {
        const administer = await scene.stage.administrator()
        const carol = await scene.logIn('carol', WEB)
        const path = `users/${carol.sub}`
        await scene.enforce({
          ended: [ends(carol, 'user_revoked', 'session_revoked')],
          spared: [await scene.logIn('bob', WEB)],
          act: () =>
            Promise.all([administer('POST', `${path}/logout`), scene.realm.change('PUT', path, { enabled: false })]),
          async again() {
            const written = await lastLogoutTime(scene, path)
            const { enabled } = await scene.realm.read<User>(path)
            if (enabled) throw new Error('the user who was disabled is enabled again')
            if (written === 0) throw new Error('last_logout_time is not written')
            await scene.realm.change('PUT', path, { enabled: true })
            return scene.logIn('carol', WEB)
          },
          evidence: [
            adminEvent({ operationType: 'ACTION', resourceType: 'USER', resourcePath: `${path}/logout` }),
            adminEvent({ operationType: 'UPDATE', resourceType: 'USER', resourcePath: path }),
          ],
        })
      },
    },
  ],
}

async function raiseVersion({ realm }: Scene, sub: string): Promise<void> {
  const user = await realm.read<User>(`users/${sub}`)
  const version = Number(user.attributes?.['token_version']?.[0] ?? 0) + 1
  await realm.change('PUT', `users/${sub}`, {
    ...user,
    attributes: { ...user.attributes, token_version: [String(version)] },
  })
}

/** Returns the attribute once it has not changed for a while; 0 if it is not written. */
async function lastLogoutTime({ realm }: Scene, path: string): Promise<number> {
  const deadline = performance.now() + WRITTEN_MS
  let [latest, since] = [0, performance.now()]
  while (performance.now() < deadline && (latest === 0 || performance.now() - since < QUIET_MS)) {
    const found = Number((await realm.read<User>(path)).attributes?.['last_logout_time']?.[0] ?? 0)
    if (found !== latest) [latest, since] = [found, performance.now()]
    await pause(100)
  }
  return latest
}
