import type { Check } from '../types.ts'

/** Advice on a usual mistake in the form of a token. */
export function formAdvice(token: string): string | undefined {
  return /^\s*bearer\s/i.test(token)
    ? 'The access token begins with the scheme Bearer: pass only what follows it.'
    : undefined
}

/** The same checks; where the form failed by a usual mistake, its detail says what to do. */
export function withFormAdvice(checks: Check[], token: string): Check[] {
  const advice = formAdvice(token)
  if (advice === undefined) return checks
  return checks.map((check) =>
    check.reason === 'malformed' ? { ...check, detail: [check.detail, advice].filter(Boolean).join('. ') } : check,
  )
}
