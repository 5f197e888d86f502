// Row 8: the realm's signing keys change without a restart.

import { decodeProtectedHeader } from 'jose'
import { pause } from '../../../www/demo/child.ts'
import { WEB } from '../clients.ts'
import { adminEvent, requireEvidence } from '../evidence.ts'
import { addKey, type RealmKey } from '../keys.ts'
import type { Login } from '../login.ts'
import { ends, type Row } from '../row.ts'
import type { Scene } from '../scene.ts'

/** Higher than the priority of a realm's initial key. */
const PRIORITY = 200
/** Longer than two polls of the key set, after which a missing key is withdrawn. */
const TWO_POLLS_MS = 5_000

export const KEYS: Row = {
  number: 8,
  title: 'signing keys',
  cases: [
    {
      title: 'added: its first token passes, and so do those of the previous key',
      async run(scene) {
        const before = await scene.logIn('alice', WEB)
        await withKey(scene, before, async (_, first) => {
          const begun = performance.now()
          await scene.accepted(first)
          scene.seconds.push((performance.now() - begun) / 1000)
          await scene.accepted(before)
        })
      },
    },
    {
      title: 'passive: its tokens pass',
      async run(scene) {
        const before = await scene.logIn('alice', WEB)
        await withKey(scene, before, async (key, first) => {
          await scene.accepted(first)
          await key.change({ active: false })
          const later = await scene.logIn('alice', WEB)
          if (kidOf(later) === kidOf(first)) throw new Error('the passive key still signs')
          await pause(TWO_POLLS_MS)
          for (const login of [before, first, later]) await scene.accepted(login)
        })
      },
    },
    {
      title: 'disabled: its tokens are refused, and the others pass',
      // Without polls, a missing key is noticed only when an unknown key causes a fetch.
      rounds: ['all', 'no-push'],
      async run(scene) {
        const before = await scene.logIn('alice', WEB)
        await withKey(scene, before, async (key, first) => {
          await scene.accepted(first)
          const since = Date.now()
          const begun = performance.now()
          await key.change({ enabled: false })
          scene.seconds.push(await scene.refused(ends(first, 'unknown_key'), begun))
          for (const login of [before, await scene.logIn('alice', WEB)]) await scene.accepted(login)
          const changed = adminEvent({
            operationType: 'UPDATE',
            resourceType: 'COMPONENT',
            resourcePath: `components/${key.id}`,
          })
          await requireEvidence(changed, scene.realm, since)
        })
      },
    },
  ],
}

/** Runs `run` with an additional key that signs, then removes it. */
async function withKey(
  scene: Scene,
  before: Login,
  run: (key: RealmKey, first: Login) => Promise<void>,
): Promise<void> {
  const key = await addKey(scene.realm, 'RS256', PRIORITY)
  try {
    const first = await scene.logIn('alice', WEB)
    if (kidOf(first) === kidOf(before)) throw new Error('the key that was added does not sign')
    await run(key, first)
  } finally {
    await key.remove()
  }
}

function kidOf({ accessToken }: Login): string | undefined {
  return decodeProtectedHeader(accessToken).kid
}
