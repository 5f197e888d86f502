import { PortcullisError } from '../../errors.ts'
import { within } from '../../timing/deadline.ts'
import type { Accepted, Claims } from '../../types.ts'

/** The caller's own decision on access. */
export interface Authorization<C extends Claims = Claims> {
  readonly authorize: (auth: Accepted<C>) => boolean | Promise<boolean>
  readonly timeoutMs: number
}

/**
 * Returns the decision of `authorize`, as a promise only if `authorize` returns one. Throws or rejects with
 * `authorize_failed`.
 */
export function authorized<C extends Claims>(
  { authorize, timeoutMs }: Authorization<C>,
  auth: Accepted<C>,
): boolean | Promise<boolean> {
  const said = call(authorize, auth)
  // A promise or another thenable.
  return typeof said === 'object' && said !== null ? settled(said, timeoutMs) : booleanOf(said)
}

function call<C extends Claims>(authorize: (auth: Accepted<C>) => unknown, auth: Accepted<C>): unknown {
  try {
    return authorize(auth)
  } catch (error) {
    throw threw(error)
  }
}

async function settled(saying: object, timeoutMs: number): Promise<boolean> {
  let said: unknown
  let cause: unknown
  const heard = Promise.resolve(saying).then(
    (value: unknown) => {
      said = value
    },
    (error: unknown) => {
      cause = error
      throw error
    },
  )
  switch (await within(heard, timeoutMs)) {
    case 'done':
      return booleanOf(said)
    case 'failed':
      throw threw(cause)
    case 'late':
      throw failed(
        'timed_out',
        `did not settle within ${timeoutMs} ms: bound its own requests, or raise authorizeTimeoutMs`,
      )
  }
}

function booleanOf(said: unknown): boolean {
  if (typeof said === 'boolean') return said
  throw failed('not_boolean', 'returned neither true nor false: return true to grant access')
}

function threw(cause: unknown): PortcullisError {
  return failed('threw', 'threw: return false to deny access; see error.cause', cause)
}

function failed(detail: string, what: string, cause?: unknown): PortcullisError {
  return new PortcullisError('authorize_failed', `options.authorize ${what}`, { detail, cause })
}
