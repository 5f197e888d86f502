import { host, oneOrMore, realmName } from './forms.ts'
import { type Provider, provider } from './provider.ts'

export interface ClerkOptions {
  /** The host of the Frontend API: `clerk.example.com`, or `happy-cat-1.clerk.accounts.dev` in development. */
  domain: string
  /**
   * The accepted values of `azp`: the web origins of the apps that may send tokens, such as `https://app.example.com`.
   */
  authorizedParty: string | string[]
  /** The realm's name at gate and origin. Default: `clerk`. */
  name?: string
}

const origins = /* @__PURE__ */ oneOrMore(
  "web origins such as 'https://app.example.com'",
  /^https?:\/\/[a-z0-9.-]+(:\d+)?$/,
)

/** Session tokens of Clerk. */
export const clerk: Provider<ClerkOptions> = /* @__PURE__ */ provider<ClerkOptions>({
  facts: {
    name: 'Clerk',
    source: 'https://clerk.com/docs/guides/sessions/session-tokens',
    readOn: '2026-12-01',
    tokens: 'session',
    reaches: ['token', 'session', 'user', 'realm'],
    hears: {
      receiver: 'webhook',
      how: 'session.ended, session.removed and session.revoked: your endpoint calls endSession',
    },
    lifetimeSeconds: 60,
  },
  options: { domain: host, authorizedParty: origins, name: realmName },
  realm: ({ domain, authorizedParty, name = 'clerk' }) => ({
    name,
    issuer: `https://${domain}`,
    audience: 'none',
    authorizedParty,
    // Only session tokens have it, not those of JWT templates or OAuth.
    accessTokenClaim: 'fva',
    // Version 1 of the claims has no `jti`.
    withoutTokenId: 'session',
    jwks: `https://${domain}/.well-known/jwks.json`,
  }),
})
