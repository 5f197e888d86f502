import { audience, pattern, realmName } from './forms.ts'
import { type Provider, provider } from './provider.ts'

export interface KeycloakProviderOptions {
  /**
   * Keycloak as its tokens name it in `iss`, with its relative path if it has one: `https://id.example.com`, or
   * `…/auth`.
   */
  baseUrl: string
  /** The realm's name at Keycloak. */
  realm: string
  /** The accepted audiences, which an audience mapper of the client puts into `aud`. */
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
    baseUrl: pattern('an https: URL (http: on this machine) without a slash at its end', BASE_URL),
    realm: pattern('a realm of Keycloak', /^[^/?#]+$/),
    audience,
    name: realmName,
  },
  realm: ({ baseUrl, realm, audience, name = realm }) => {
    const issuer = `${baseUrl}/realms/${encodeURIComponent(realm)}`
    return { name, issuer, audience, profile: 'keycloak', jwks: `${issuer}/protocol/openid-connect/certs` }
  },
})
