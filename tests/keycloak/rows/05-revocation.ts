// Row 5: a client revokes a token (RFC 7009), at Keycloak or by the origin.

import { MOBILE, WEB } from '../clients.ts'
import { userEvent, type Evidence } from '../evidence.ts'
import { revoke, type Login } from '../login.ts'
import { ends, type Case, type Row } from '../row.ts'
import type { Scene } from '../scene.ts'

export const REVOCATION: Row = {
  number: 5,
  title: '/revoke',
  cases: [
    // Keycloak sends no message about a token that is revoked there.
    ...both('at Keycloak', ['all', 'no-push'], ({ realm }, { client }, token) => revoke(realm, client, token)),
    ...both('by the origin', ['all', 'no-push', 'no-poll'], ({ realm, stage }, { client }, token) =>
      revoke(realm, client, token, stage.originUrl),
    ),
  ],
}

type Revoke = (scene: Scene, login: Login, token: string) => ReturnType<typeof revoke>

function both(where: string, rounds: NonNullable<Case['rounds']>, send: Revoke): Case[] {
  return [
    {
      title: `an access token, ${where}`,
      rounds,
      async run(scene) {
        const login = await scene.logIn('alice', WEB)
        await scene.enforce({
          ended: [ends(login, 'token_revoked')],
          spared: [
            await scene.logIn('alice', MOBILE, { agent: login.agent }),
            await scene.logIn('alice', WEB),
            await scene.logIn('bob', WEB),
          ],
          act: () => revoked(scene, login, login.accessToken, send),
          again: () => scene.logIn('alice', WEB, { agent: login.agent }),
          evidence: [granted(login)],
        })
      },
    },
    ...(['openid', 'openid offline_access'] as const).map((scope) => ({
      title: `${scope === 'openid' ? 'a refresh' : 'an offline'} token, ${where}`,
      rounds,
      async run(scene: Scene) {
        const login = await scene.logIn('alice', WEB, { scope })
        await scene.enforce({
          ended: [ends(login, 'session_revoked')],
          spared: [
            await scene.logIn('alice', MOBILE, { agent: login.agent }),
            await scene.logIn('alice', WEB),
            await scene.logIn('bob', WEB),
          ],
          act: () => revoked(scene, login, login.refreshToken, send),
          again: () => scene.logIn('alice', WEB, { agent: login.agent }),
          evidence: [granted(login)],
        })
      },
    })),
  ]
}

async function revoked(scene: Scene, login: Login, token: string, send: Revoke): Promise<void> {
  const { status, text } = await send(scene, login, token)
  if (status !== 200 || text !== '') throw new Error(`the response to a revocation is ${status}: ${text}`)
}

function granted({ sub, client }: Login): Evidence {
  return userEvent({ type: 'REVOKE_GRANT', userId: sub, clientId: client.id })
}
