// A verdict is narrowed, and its claims have the type argument's type, whether the project is strict or not.

import {
  createGate,
  type Accepted,
  type Claims,
  type Gate,
  type GateOptions,
  type Reason,
  type Refused,
  type Verdict,
} from 'portcullis/edge'

interface Tenant extends Claims {
  tenant: string
}

interface Env {
  ORIGIN: string
}

/** True only for identical types, even if one of them is `any`. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function same<A, B>(_isSame: Same<A, B>): void {}

declare const options: GateOptions
export const gate: Gate<Env> = createGate((env: Env) => ({
  ...options,
  realms: [{ ...options.realms[0]!, issuer: env.ORIGIN }],
}))

export async function refusedFirst(token: string): Promise<Response> {
  const verdict = await gate.check<Tenant>(token)
  if (!verdict.ok) {
    const reason: Reason = verdict.reason
    const status: 400 | 401 | 403 | 503 = verdict.status
    // @ts-expect-error a refusal has no such member
    void verdict.cause
    // @ts-expect-error no reason has this name
    if (verdict.reason === 'too_old') return new Response(reason, { status })
    if (verdict.reason === 'insufficient_scope') console.warn(verdict.scope?.join(' '))
    return gate.challenge(verdict)
  }
  same<typeof verdict.claims, Tenant>(true)
  // @ts-expect-error an accepted token has no such member
  void verdict.tenant
  return new Response(verdict.claims.tenant)
}

export function acceptedFirst(token: string): string | undefined {
  const verdict = gate.checkSync<Tenant>(token)
  if (verdict.ok) {
    const accepted: Accepted<Tenant> = verdict
    same<typeof accepted.claims.tenant, string>(true)
    // @ts-expect-error the claim is a string
    const wrong: number = verdict.claims.tenant
    return String(wrong)
  } else {
    return verdict.reason
  }
}

export function compared(verdict: Verdict<Tenant>): string {
  if (verdict.ok === false) {
    const refused: Refused = verdict
    return refused.reason
  }
  return verdict.claims.tenant
}

export function chosen(verdict: Verdict<Tenant>): Response {
  return verdict.ok ? new Response(verdict.claims.tenant) : gate.challenge(verdict)
}

export function passedOn<C extends Claims>(verdict: Verdict<C>): C {
  if (!verdict.ok) throw new Error(verdict.reason)
  return verdict.claims
}

export async function plainClaims(token: string): Promise<string | undefined> {
  const verdict = await gate.check(token)
  if (!verdict.ok) return undefined
  same<typeof verdict.claims, Claims>(true)
  return verdict.claims.sub
}
