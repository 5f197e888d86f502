// Requests: the type argument of `authenticate`, `authenticator` and `protect` is also the type of the claims.

import type { Accepted, Claims, Gate, RequestLike } from 'portcullis/edge'

interface Tenant extends Claims {
  tenant: string
}

declare const gate: Gate<{ ORIGIN: string }>

export async function authenticated(request: Request): Promise<Response> {
  const verdict = await gate.authenticate<Tenant>(request, {
    scope: ['read'],
    authorize: ({ claims }) => claims.tenant !== '',
  })
  if (!verdict.ok) return gate.challenge(verdict)
  // @ts-expect-error the claim is a string
  const wrong: number = verdict.claims.tenant
  return new Response(verdict.claims.tenant + String(wrong))
}

export async function withOptionsChecked(request: RequestLike): Promise<string> {
  const authenticate = gate.authenticator<Tenant>({ token: { cookie: 'token' }, roles: ['member'] })
  const verdict = await authenticate(request, { env: { ORIGIN: 'https://origin.example' } })
  if (!verdict.ok) return verdict.reason
  // @ts-expect-error the claim is a string
  const wrong: number = verdict.claims.tenant
  return verdict.claims.tenant + String(wrong)
}

export const worker = {
  fetch: gate.protect<Tenant>(
    (_request, env, _ctx, auth) => {
      const accepted: Accepted<Tenant> = auth
      // @ts-expect-error the environment has no such member
      void env.SECRET
      // @ts-expect-error the claim is a string
      const wrong: number = auth.claims.tenant
      return new Response(env.ORIGIN + accepted.claims.tenant + String(wrong))
    },
    { authorize: async ({ claims }) => claims.tenant === 'acme' },
  ),
}

export function misspelled(request: Request): void {
  // @ts-expect-error unknown option
  void gate.authenticate(request, { scopes: ['read'] })
  // @ts-expect-error a token is never taken from the query
  void gate.authenticate(request, { token: { query: 'token' } })
}
