import { baseUrl, oneOrMore, realmName, segment } from './forms.ts'
import { type Provider, provider } from './provider.ts'

export interface AuthentikOptions {
  /** authentik's URL as browsers use it: `https://authentik.example.com`. */
  baseUrl: string
  /** The slug of the application. */
  application: string
  /** The client ID of its provider. */
  clientId: string | string[]
  /** The realm's name at gate and origin. Default: `application`. */
  name?: string
}

/** Access tokens of an authentik OAuth2/OpenID provider that has a signing key and no encryption key. */
export const authentik: Provider<AuthentikOptions> = /* @__PURE__ */ provider<AuthentikOptions>({
  facts: {
    name: 'authentik',
    source: 'https://docs.goauthentik.io/add-secure-apps/providers/oauth2/',
    readOn: '2026-12-01',
    tokens: 'access',
    reaches: ['token', 'session', 'user', 'client', 'grant', 'realm'],
    hears: {
      receiver: 'backchannel-logout',
      how: "connectors: [oidcConnector({ realm, untypedLogoutTokens: 'accept' })]",
    },
    lifetimeSeconds: 3_600,
  },
  options: {
    baseUrl,
    application: segment,
    clientId: oneOrMore('client IDs', /^[\w-]+$/),
    name: realmName,
  },
  realm: ({ baseUrl, application, clientId, name = application }) => {
    const issuer = `${baseUrl}/application/o/${application}/`
    return {
      name,
      issuer,
      audience: clientId,
      algorithms: ['RS256', 'ES256', 'ES384', 'ES512'],
      // An ID token has the same issuer, audience and session, but no `uid`.
      claimNames: { tokenId: 'uid' },
      jwks: `${issuer}jwks/`,
    }
  },
})
