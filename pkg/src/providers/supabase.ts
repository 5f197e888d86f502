import { audience, optional, pattern, realmName } from './forms.ts'
import { type Provider, provider } from './provider.ts'

export interface SupabaseOptions {
  /** The project's URL: `https://abcdefghijklmnopqrst.supabase.co`. */
  url: string
  /** The accepted audiences. Default: `authenticated`. */
  audience?: string | string[]
  /** The realm's name at gate and origin. Default: `supabase`. */
  name?: string
}

/** Access tokens of Supabase Auth, in a project with asymmetric signing keys. */
export const supabase: Provider<SupabaseOptions> = /* @__PURE__ */ provider<SupabaseOptions>({
  facts: {
    name: 'Supabase',
    source: 'https://supabase.com/docs/guides/auth/jwt-fields',
    readOn: '2026-12-01',
    tokens: 'access',
    reaches: ['token', 'session', 'user', 'realm'],
    hears: { receiver: 'none', how: 'your sign-out calls endSession' },
    lifetimeSeconds: 3600,
  },
  options: {
    url: pattern(
      'an https: URL (http: on this machine) without a path',
      /^(https:\/\/[a-z0-9.-]+|http:\/\/(localhost|127\.0\.0\.1))(:\d+)?$/,
    ),
    audience: optional(audience),
    name: realmName,
  },
  realm: ({ url, audience = 'authenticated', name = 'supabase' }) => ({
    name,
    issuer: `${url}/auth/v1`,
    audience,
    claimNames: { session: 'session_id' },
    // `jti` is optional.
    withoutTokenId: 'session',
    jwks: `${url}/auth/v1/.well-known/jwks.json`,
  }),
})
