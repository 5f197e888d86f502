import type { AuditLog } from '../audit/log.ts'
import { Problem } from './problem.ts'
import type { Route } from './route.ts'

/** Runs a route and notes it in the audit log if it refuses the caller. Nothing that the client sent is written. */
export async function notingRefusals(
  audit: Pick<AuditLog, 'refused'>,
  { route, realm, address }: { route: Route; realm: string; address: string | undefined },
  respond: () => Promise<Response>,
): Promise<Response> {
  try {
    return await respond()
  } catch (error) {
    // Refused reads of the feed or of metrics change nothing here.
    const isNoted = route.access === 'administrator' || route.access === 'anybody'
    if (isNoted && error instanceof Problem && error.isRefusal) {
      const detail = error.error.replaceAll(' ', '_')
      audit.refused({ realm, subject: route.path, detail, ...(address === undefined ? {} : { address }) })
    }
    throw error
  }
}
