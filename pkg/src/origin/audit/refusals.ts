import type { Context } from '../http/context.ts'
import { Problem } from '../http/problem.ts'
import type { Route } from '../http/router.ts'

/** Runs a route and notes it when it refuses who asks; of what the client sent nothing is written. */
export async function notingRefusals(
  { audit }: Context,
  { route, realm, address }: { route: Route; realm: string; address: string | undefined },
  answer: () => Promise<Response>,
): Promise<Response> {
  const note = (detail: string): void => {
    // Whoever reads the feed or the measurements takes nothing in.
    if (route.access === 'reader' || route.access === 'monitor') return
    audit.refused({ realm, subject: route.path, detail, ...(address === undefined ? {} : { address }) })
  }
  try {
    return await answer()
  } catch (error) {
    if (error instanceof Problem && error.isRefusal) note(error.error.replaceAll(' ', '_'))
    throw error
  }
}
