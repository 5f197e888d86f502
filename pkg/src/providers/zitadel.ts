import { audience, baseUrl, realmName } from './forms.ts'
import { type Provider, provider } from './provider.ts'

export interface ZitadelOptions {
  /** The instance's URL as its tokens name it in `iss`: `https://auth.example.com`. */
  baseUrl: string
  /** The project's id, which is in the `aud` of all its apps' tokens, or the client ID of one app. */
  audience: string | string[]
  /** The realm's name at gate and origin. Default `zitadel`. */
  name?: string
}

/** Access tokens of apps whose *Auth Token Type* is *JWT*. */
export const zitadel: Provider<ZitadelOptions> = /* @__PURE__ */ provider<ZitadelOptions>({
  facts: {
    name: 'ZITADEL',
    source: 'https://zitadel.com/docs/apis/openidoauth/claims',
    readOn: '2026-12-01',
    tokens: 'access',
    reaches: ['token', 'user', 'client', 'grant', 'realm'],
    hears: {
      receiver: 'backchannel-logout',
      how: "connectors: [oidcConnector({ realm, untypedLogoutTokens: 'accept', logoutTokenScope: 'user' })]",
    },
    lifetimeSeconds: 43_200,
  },
  options: { baseUrl, audience, name: realmName },
  realm: ({ baseUrl, audience, name = 'zitadel' }) => ({
    name,
    issuer: baseUrl,
    audience,
    algorithms: ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'EdDSA'],
    // ID tokens have no `jti`, which is required.
    jwks: `${baseUrl}/oauth/v2/keys`,
  }),
})
