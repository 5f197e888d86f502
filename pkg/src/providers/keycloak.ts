import { audience, pattern, realmName } from './forms.ts'
import { type Provider, provider } from './provider.ts'

export interface KeycloakProviderOptions {
  /**
   * Keycloak's URL as its tokens name it in `iss`, including its relative path: `https://id.example.com`, or `…/auth`.
   */
  baseUrl: string
  /** The name of the Keycloak realm. */
  realm: string
  /** The accepted audiences, which an audience mapper of the client adds to `aud`. */
  audience: string | string[]
  /** The realm's name at gate and origin. Default: `realm`. */
  name?: string
}

const BASE_URL = /^(https:\/\/[^/?#@\s]+|http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?)(\/[\w.-]+)*$/

/** Access tokens of a Keycloak realm. */
export const keycloak: Provider<KeycloakProviderOptions> = /* @__PURE__ */ provider<KeycloakProviderOptions>({
  facts: {
    name: 'Keycloak',
    source: 'https://www.keycloak.org/docs/latest/server_admin/index.html#audience-support',
    readOn: '2026-12-01',
    tokens: 'access',
    reaches: ['token', 'session', 'user', 'client', 'grant', 'realm'],
    hears: { receiver: 'keycloak', how: 'keycloakConnector({ baseUrl, realm })' },
  },
  options: {
    baseUrl: pattern('an https: URL (http: on this machine) without a trailing slash', BASE_URL),
    realm: pattern('a Keycloak realm', /^[^/?#]+$/),
    audience,
    name: realmName,
  },
  realm: ({ baseUrl, realm, audience, name = realm }) => {
    const issuer = `${baseUrl}/realms/${encodeURIComponent(realm)}`
    return { name, issuer, audience, profile: 'keycloak', jwks: `${issuer}/protocol/openid-connect/certs` }
  },
})
