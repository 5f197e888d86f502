import { audience, oneOrMore, optional, pattern, realmName } from './forms.ts'
import { type Form, type Provider, provider } from './provider.ts'

export interface EntraOptions {
  /**
   * The tenant's id, a GUID. If several are given, tokens of all of them are accepted, and users with equal ids in
   * different tenants are different users.
   */
  tenant: string | string[]
  /** The API's client id (`aud` of v2.0 tokens), or with `v1.0` also its Application ID URI. */
  audience: string | string[]
  /** The token version, `accessTokenAcceptedVersion` in the API's manifest. Default `v2.0`. */
  version?: 'v1.0' | 'v2.0'
  /** The realm's name at gate and origin. Default: `entra`. */
  name?: string
}

/** The tenant of personal Microsoft accounts. It shares no keys with other tenants. */
const CONSUMERS = '9188040d-6c67-4c5b-b112-36a304b66dad'

const GUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/
const guids = /* @__PURE__ */ oneOrMore(
  'tenant ids (GUIDs in lower case); the one of personal accounts only alone',
  GUID,
)
const tenants: Form = {
  ...guids,
  test: (value) => guids.test(value) && (String(value) === CONSUMERS || !String(value).includes(CONSUMERS)),
}

/** Access tokens of an API registered with Microsoft Entra ID. */
export const entra: Provider<EntraOptions> = /* @__PURE__ */ provider<EntraOptions>({
  facts: {
    name: 'Microsoft Entra ID',
    source: 'https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference',
    readOn: '2026-12-01',
    tokens: 'access',
    reaches: ['token', 'session', 'user', 'client', 'grant', 'realm'],
    hears: { receiver: 'none', how: 'your logout calls the origin' },
    lifetimeSeconds: 5400,
  },
  options: { tenant: tenants, audience, version: optional(pattern("'v1.0' or 'v2.0'", /^v[12]\.0$/)), name: realmName },
  realm: ({ tenant, audience, version = 'v2.0', name = 'entra' }) => {
    const isFirst = version === 'v1.0'
    const issuerOf = (id: string): string =>
      isFirst ? `https://sts.windows.net/${id}/` : `https://login.microsoftonline.com/${id}/v2.0`
    // ID tokens name no client: only access tokens have `azp`, in v1.0 `appid`.
    const client = isFirst ? 'appid' : 'azp'
    const [first = '', ...others] = [tenant].flat()
    return {
      name,
      ...(others.length === 0
        ? { issuer: issuerOf(first) }
        : { issuer: issuerOf('{tid}'), tenants: [first, ...others] }),
      audience,
      claimNames: { subject: 'oid', tokenId: 'uti', scope: 'scp' },
      requiredClaims: ['exp', 'iat', 'oid', 'uti', client],
      grantClaim: client,
      jwks: `https://login.microsoftonline.com/${first}/discovery/${isFirst ? '' : 'v2.0/'}keys`,
    }
  },
})
