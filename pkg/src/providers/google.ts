import { oneOrMore, realmName } from './forms.ts'
import { type Provider, provider } from './provider.ts'

export interface GoogleOptions {
  /** The client IDs of your apps, `…apps.googleusercontent.com`: one of them must be in `aud`. */
  clientId: string | string[]
  /** The realm's name at gate and origin. Default `google`. */
  name?: string
}

/** ID tokens of Sign in with Google. Google's access tokens are not JWTs. */
export const google: Provider<GoogleOptions> = /* @__PURE__ */ provider<GoogleOptions>({
  facts: {
    name: 'Google',
    source: 'https://developers.google.com/identity/openid-connect/reference',
    readOn: '2026-12-01',
    tokens: 'id',
    reaches: ['user', 'realm'],
    hears: {
      receiver: 'webhook',
      how: 'Cross-Account Protection (RISC) calls your endpoint, which calls logoutUser',
    },
    lifetimeSeconds: 3_600,
  },
  options: {
    clientId: oneOrMore('client IDs, …apps.googleusercontent.com', /^[\w-]+\.apps\.googleusercontent\.com$/),
    name: realmName,
  },
  realm: ({ clientId, name = 'google' }) => ({
    name,
    // Two names of one issuer with the same `sub`: tokens of older clients have the second.
    issuer: ['https://accounts.google.com', 'accounts.google.com'],
    sameSubjects: true,
    audience: clientId,
    algorithms: ['RS256'],
    withoutTokenId: 'user',
    jwks: 'https://www.googleapis.com/oauth2/v3/certs',
  }),
})
