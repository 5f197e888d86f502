import type { Check } from '../types.ts'

/** Returns advice on a common mistake in the form of a token. */
export function formAdvice(token: string): string | undefined {
  return /^\s*bearer\s/i.test(token)
    ? 'The access token begins with the scheme Bearer: pass only what follows it.'
    : undefined
}

/** Returns the checks; if the form check failed by a common mistake, its detail says what to do. */
export function withFormAdvice(checks: Check[], token: string): Check[] {
  const advice = formAdvice(token)
  if (advice === undefined) return checks
  return checks.map((check) =>
    check.reason === 'malformed' ? { ...check, detail: [check.detail, advice].filter(Boolean).join('. ') } : check,
  )
}
