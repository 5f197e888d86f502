// The handler that the edge protects.

import type { Accepted } from 'portcullis/edge'

/**
 * Returns the token's claims, both at the top level and under `claims` (except for a claim of that name), and the
 * gate's sequence.
 */
export function whoami(_request: Request, _env: unknown, _ctx: unknown, { claims, sequence }: Accepted): Response {
  return Response.json({ ...claims, claims, sequence })
}
