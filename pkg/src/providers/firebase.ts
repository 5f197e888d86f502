import { pattern, realmName } from './forms.ts'
import { type Provider, provider } from './provider.ts'

export interface FirebaseOptions {
  /** The project's id: `my-project-1a2b3`. */
  projectId: string
  /** The realm's name at gate and origin. Default: `firebase`. */
  name?: string
}

/** ID tokens of Firebase Authentication, which its APIs accept in place of access tokens. */
export const firebase: Provider<FirebaseOptions> = /* @__PURE__ */ provider<FirebaseOptions>({
  facts: {
    name: 'Firebase Authentication',
    source: 'https://firebase.google.com/docs/reference/admin/node/firebase-admin.auth.decodedidtoken',
    readOn: '2026-12-01',
    tokens: 'id',
    reaches: ['token', 'user', 'realm'],
    hears: { receiver: 'none', how: 'your logout calls logoutUser as well as revokeRefreshTokens' },
    lifetimeSeconds: 3600,
  },
  options: { projectId: pattern('a project id', /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/), name: realmName },
  realm: ({ projectId, name = 'firebase' }) => ({
    name,
    issuer: `https://securetoken.google.com/${projectId}`,
    audience: projectId,
    // Firebase tokens have neither an id nor a session.
    withoutTokenId: 'user',
    algorithms: ['RS256'],
    jwks: 'https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com',
  }),
})
