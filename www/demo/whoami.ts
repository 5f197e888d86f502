// What the edge protects.

import type { Accepted } from 'portcullis/edge'

/** The claims as they stand in the token, once more under `claims` (apart from any of that name), and how far the gate was. */
export function whoami(_request: Request, _env: unknown, _ctx: unknown, { claims, sequence }: Accepted): Response {
  return Response.json({ ...claims, claims, sequence })
}
