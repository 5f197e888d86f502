import { httpsUrl, optional, pattern, realmName } from './forms.ts'
import { type Provider, provider } from './provider.ts'

export interface WorkosOptions {
  /** The client ID of the environment: `client_…`. */
  clientId: string
  /**
   * The `iss` of its tokens, if it differs: `https://api.workos.com` in environments created before mid-2025, or your
   * custom authentication domain. Default: `https://api.workos.com/user_management/` and the client ID.
   */
  issuer?: string
  /** The realm's name at gate and origin. Default `workos`. */
  name?: string
}

/** Access tokens of AuthKit's user sessions. */
export const workos: Provider<WorkosOptions> = /* @__PURE__ */ provider<WorkosOptions>({
  facts: {
    name: 'WorkOS',
    source: 'https://workos.com/docs/reference/authkit/session-tokens',
    readOn: '2026-12-01',
    tokens: 'session',
    reaches: ['token', 'session', 'user', 'realm'],
    hears: { receiver: 'webhook', how: 'the event session.revoked calls your endpoint, which calls endSession' },
    lifetimeSeconds: 300,
  },
  options: {
    clientId: pattern('the client ID of the environment, client_…', /^client_[A-Za-z0-9]+$/),
    issuer: optional(httpsUrl),
    name: realmName,
  },
  realm: ({ clientId, issuer = userManagement(clientId), name = 'workos' }) => ({
    name,
    issuer,
    // Tokens have an audience only with a JWT template.
    audience: clientId,
    authorizedParty: clientId,
    accessTokenClaim: 'sid',
    algorithms: ['RS256'],
    jwks: `https://api.workos.com/sso/jwks/${clientId}`,
  }),
})

function userManagement(clientId: string): string {
  return `https://api.workos.com/user_management/${clientId}`
}
