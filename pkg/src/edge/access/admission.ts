import { refused } from '../../http/refusal.ts'
import type { Claims, Verdict } from '../../types.ts'
import { authorized } from './authorize.ts'
import type { Permission } from './settings.ts'

/** Checks the request's token. Returns the verdict itself if nothing must be awaited. */
type TokenCheck<C extends Claims> = () => Verdict<C> | Promise<Verdict<C>>

/** Returns the verdict on a token that needs more than scopes. Throws or rejects with `authorize_failed`. */
export function admit<C extends Claims>(
  check: TokenCheck<C>,
  permission: Permission<C>,
): Verdict<C> | Promise<Verdict<C>> {
  const verdict = check()
  return 'ok' in verdict ? decide(verdict, check, permission) : admitLater(verdict, check, permission)
}

async function admitLater<C extends Claims>(
  verdict: Promise<Verdict<C>>,
  check: TokenCheck<C>,
  permission: Permission<C>,
): Promise<Verdict<C>> {
  return decide(await verdict, check, permission)
}

function decide<C extends Claims>(
  verdict: Verdict<C>,
  check: TokenCheck<C>,
  permission: Permission<C>,
): Verdict<C> | Promise<Verdict<C>> {
  const { roles, authorization } = permission
  if (!verdict.ok) return verdict
  if (roles !== undefined && !roles(verdict.claims)) return refused('insufficient_scope')
  if (authorization === undefined) return verdict
  const answer = authorized(authorization, verdict)
  if (typeof answer !== 'boolean') return decideLater(answer, check)
  return answer ? verdict : refused('insufficient_scope')
}

/**
 * Checks the token again after `authorize`, because a revocation may have arrived meanwhile. Nothing is awaited after
 * that.
 */
async function decideLater<C extends Claims>(answer: Promise<boolean>, check: TokenCheck<C>): Promise<Verdict<C>> {
  return (await answer) ? check() : refused('insufficient_scope')
}
