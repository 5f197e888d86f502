import type { IssuerAdministration } from '../../origin/options.ts'
import type { Issuer } from './issuer.ts'

/** Returns the operations that the issuer offers to its origin. */
export function administrationOf(issuer: Issuer): IssuerAdministration {
  const { tables, keys } = issuer
  return {
    users: async ({ search, first, max }) =>
      tables.users(search, first, max).map(({ sub, name, roles }) => ({ id: sub, username: name, roles })),
    async sessions(sub) {
      const user = tables.userBySub(sub)
      if (user === undefined) return undefined
      return issuer
        .tokens()
        .sessions(sub)
        .map(({ session, startedAt, lastUsedAt, clients, address }) => ({
          id: session,
          userId: sub,
          username: user.name,
          start: startedAt,
          lastAccess: lastUsedAt,
          clients,
          ...(address === undefined ? {} : { ipAddress: address }),
        }))
    },
    keys: async () => keys.list(),
    addKey: () => keys.add(),
    retireKey: async (kid) => keys.retire(kid),
    refreshToken: async (token) => issuer.tokens().find(token),
    sessionEnded: async (sid) => issuer.tokens().sessionEnded(sid),
  }
}
