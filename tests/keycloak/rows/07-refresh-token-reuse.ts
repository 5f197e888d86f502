// Row 7: a refresh token is used a second time in a realm that revokes it at its first use.

import { MOBILE, WEB } from '../clients.ts'
import { userEvent, type Evidence } from '../evidence.ts'
import { refresh, tryRefresh, type Login } from '../login.ts'
import { ends, type Row } from '../row.ts'
import type { Scene } from '../scene.ts'

/** Keycloak sends no message about it. */
const ROUNDS = ['all', 'no-push'] as const

export const REUSE: Row = {
  number: 7,
  title: 'an old refresh token used again',
  cases: [
    {
      title: "that client's part of the session",
      rounds: ROUNDS,
      async run(scene) {
        await reusing(scene, async (first, second, other) => {
          await scene.enforce({
            ended: [ends(first, 'session_revoked'), ends(second, 'session_revoked')],
            spared: [other, await scene.logIn('alice', WEB), await scene.logIn('bob', WEB)],
            act: () => reuse(scene, first),
            again: () => scene.logIn('alice', WEB, { agent: first.agent }),
            evidence: [reused(first)],
          })
        })
      },
    },
    {
      title: 'the whole session, by option',
      rounds: ROUNDS,
      stage: { connector: { refreshTokenReuse: 'session' } },
      async run(scene) {
        await reusing(scene, async (first, second, other) => {
          await scene.enforce({
            ended: [first, second, other].map((login) => ends(login, 'session_revoked')),
            spared: [await scene.logIn('alice', WEB), await scene.logIn('bob', WEB)],
            act: () => reuse(scene, first),
            again: () => scene.logIn('alice', WEB),
            evidence: [reused(first)],
          })
        })
      },
    },
  ],
}

/**
 * Runs `run` while the realm revokes used refresh tokens. `first` has been refreshed, so its refresh token is used;
 * `second` has the new tokens; `other` is a login of another client in the same session.
 */
async function reusing(scene: Scene, run: (first: Login, second: Login, other: Login) => Promise<void>): Promise<void> {
  await scene.realm.change('PUT', '', { revokeRefreshToken: true, refreshTokenMaxReuse: 0 })
  try {
    const first = await scene.logIn('alice', WEB)
    const other = await scene.logIn('alice', MOBILE, { agent: first.agent })
    await run(first, await refresh(scene.realm, first), other)
  } finally {
    await scene.realm.change('PUT', '', { revokeRefreshToken: false })
  }
}

async function reuse(scene: Scene, login: Login): Promise<void> {
  const answer = await tryRefresh(scene.realm, login)
  if (answer.status !== 400) throw new Error(`Keycloak returned ${answer.status} for a used refresh token`)
}

function reused({ sid, client }: Login): Evidence {
  return userEvent({ type: 'REFRESH_TOKEN_ERROR', sessionId: sid, clientId: client.id })
}
