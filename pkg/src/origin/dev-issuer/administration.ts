import type { IssuerAdministration } from '../types.ts'
import { type Issuer, unixSeconds } from './tokens.ts'

/** What the issuer lets the origin that it stands beside do. */
export function administrationOf(issuer: Issuer): IssuerAdministration {
  const { settings, tables, keys } = issuer
  return {
    users: async ({ search, first, max }) =>
      tables.users(search, first, max).map(({ sub, name, roles }) => ({ id: sub, username: name, roles })),
    async sessions(sub) {
      const user = tables.userBySub(sub)
      if (user === undefined) return undefined
      return tables.sessions(sub, unixSeconds()).map(({ sid, client, startedAt, lastAccess }) => ({
        id: sid,
        userId: sub,
        username: user.name,
        start: startedAt,
        lastAccess,
        clients: [client],
      }))
    },
    keys: async () => keys.list(),
    addKey: () => keys.add(),
    retireKey: async (kid) => keys.retire(kid),
    async refreshToken(token) {
      const claims = await keys.verify(token, { issuer: settings.issuer, expired: 'accept' })
      const { token_use: use, azp: client, sid: session, sub: subject } = claims ?? {}
      if (use !== 'refresh' || typeof client !== 'string' || typeof session !== 'string' || subject === undefined) return undefined
      return { client, session, subject }
    },
    sessionEnded: async (sid) => tables.endSession(sid, unixSeconds()),
  }
}
