import { audience, claimName, host, optional, realmName } from './forms.ts'
import { type Provider, provider } from './provider.ts'

export interface Auth0Options {
  /** The tenant's domain, or its custom one: `acme.eu.auth0.com`. */
  domain: string
  /** The identifier of the API, which is not the client id of an application. */
  audience: string | string[]
  /** The claim in which your Action stores `event.session.id`. Default: none, and sessions cannot be ended. */
  sessionClaim?: string
  /** The realm's name at gate and origin. Default: `auth0`. */
  name?: string
}

/** Access tokens of an API registered with Auth0, of the Auth0 token profile or the RFC 9068 profile. */
export const auth0: Provider<Auth0Options> = /* @__PURE__ */ provider<Auth0Options>({
  facts: {
    name: 'Auth0',
    source: 'https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles',
    readOn: '2026-12-01',
    tokens: 'access',
    reaches: ['token', 'session', 'user', 'client', 'grant', 'realm'],
    hears: { receiver: 'backchannel-logout', how: 'oidcConnector({ realm })' },
    lifetimeSeconds: 86_400,
  },
  options: { domain: host, audience, sessionClaim: optional(claimName), name: realmName },
  realm: ({ domain, audience, sessionClaim, name = 'auth0' }) => ({
    name,
    issuer: `https://${domain}/`,
    audience,
    // The Auth0 profile, which is the default, has no `jti`.
    withoutTokenId: 'user',
    ...(sessionClaim === undefined ? {} : { claimNames: { session: sessionClaim } }),
    jwks: `https://${domain}/.well-known/jwks.json`,
  }),
})
