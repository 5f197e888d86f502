import { audience, host, realmName, segment } from './forms.ts'
import { type Provider, provider } from './provider.ts'

export interface OktaOptions {
  /** The org's domain, or its custom domain: `acme.okta.com`. */
  domain: string
  /**
   * The id of the custom authorization server, such as `default`. Tokens of the org's own server are only for Okta's
   * APIs.
   */
  authorizationServer: string
  /** The audience of that server. */
  audience: string | string[]
  /** The realm's name at gate and origin. Default: `okta`. */
  name?: string
}

/** Access tokens of a custom authorization server of Okta. */
export const okta: Provider<OktaOptions> = /* @__PURE__ */ provider<OktaOptions>({
  facts: {
    name: 'Okta',
    source: 'https://developer.okta.com/docs/concepts/oauth-claims/',
    readOn: '2026-12-01',
    tokens: 'access',
    reaches: ['token', 'user', 'grant', 'realm'],
    hears: { receiver: 'global-token-revocation', how: 'Universal Logout of the app' },
    lifetimeSeconds: 3600,
  },
  options: { domain: host, authorizationServer: segment, audience, name: realmName },
  realm: ({ domain, authorizationServer, audience, name = 'okta' }) => {
    const issuer = `https://${domain}/oauth2/${authorizationServer}`
    return {
      name,
      issuer,
      audience,
      claimNames: { scope: 'scp' },
      // ID tokens have no `cid`.
      requiredClaims: ['exp', 'iat', 'sub', 'jti', 'cid'],
      grantClaim: 'cid',
      jwks: `${issuer}/v1/keys`,
    }
  },
})
