import { audience, optional, pattern, realmName } from './forms.ts'
import { type Provider, provider } from './provider.ts'

export interface CloudflareAccessOptions {
  /** The team's name: `acme` in `acme.cloudflareaccess.com`. */
  team: string
  /** The *Application Audience (AUD) Tag* of the application. */
  audience: string | string[]
  /** The kind of tokens accepted: `users`, or `service tokens`, which name no user. Default `users`. */
  callers?: 'users' | 'service tokens'
  /** The realm's name at gate and origin. Default: `team`. */
  name?: string
}

/** Application tokens of Cloudflare Access, which are sent in the header `Cf-Access-Jwt-Assertion`. */
export const cloudflareAccess: Provider<CloudflareAccessOptions> = /* @__PURE__ */ provider<CloudflareAccessOptions>({
  facts: {
    name: 'Cloudflare Access',
    source:
      'https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/application-token/',
    readOn: '2026-12-01',
    tokens: 'session',
    reaches: ['user', 'realm'],
    hears: { receiver: 'none', how: 'your own logout calls logoutUser' },
    lifetimeSeconds: 86_400,
  },
  options: {
    team: pattern(
      "the team's name in lower case, without .cloudflareaccess.com",
      /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    ),
    audience,
    callers: optional(pattern("'users' or 'service tokens'", /^(users|service tokens)$/)),
    name: realmName,
  },
  realm: ({ team, audience, callers = 'users', name = team }) => {
    const issuer = `https://${team}.cloudflareaccess.com`
    return {
      name,
      issuer,
      audience,
      algorithms: ['RS256'],
      // The `sub` of a service token is empty.
      ...(callers === 'users' ? {} : { claimNames: { subject: 'common_name' } }),
      withoutTokenId: 'user',
      jwks: `${issuer}/cdn-cgi/access/certs`,
    }
  },
})
