import { audience, httpsUrl, optional, realmName } from './forms.ts'
import { type Provider, provider } from './provider.ts'

export interface KubernetesOptions {
  /** The cluster's `--service-account-issuer`: `kubectl get --raw /.well-known/openid-configuration`. */
  issuer: string
  /**
   * The audience that the projected volume, or `kubectl create token --audience`, requests. Not the API server's
   * audience.
   */
  audience: string | string[]
  /** The cluster's `jwks_uri`. Default: `issuer` followed by `/openid/v1/jwks`. */
  jwks?: string
  /** The realm's name at gate and origin. Default `kubernetes`. */
  name?: string
}

/** Service account tokens, bound to a pod or made by a token request. */
export const kubernetes: Provider<KubernetesOptions> = /* @__PURE__ */ provider<KubernetesOptions>({
  facts: {
    name: 'Kubernetes',
    source: 'https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/',
    readOn: '2026-12-01',
    tokens: 'service account',
    reaches: ['token', 'user', 'realm'],
    hears: {
      receiver: 'none',
      how: 'the cluster sends no event of deleted pods or service accounts; your controller may call logoutUser',
    },
    lifetimeSeconds: 3_600,
  },
  options: { issuer: httpsUrl, audience, jwks: optional(httpsUrl), name: realmName },
  realm: ({ issuer, audience, jwks = `${issuer.replace(/\/$/, '')}/openid/v1/jwks`, name = 'kubernetes' }) => ({
    name,
    issuer,
    audience,
    algorithms: ['RS256', 'ES256', 'ES384', 'ES512'],
    jwks,
  }),
})
