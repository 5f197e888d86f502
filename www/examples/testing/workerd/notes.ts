// Lists notes, with the scope notes:read. The gate is a parameter, so that a test can pass its own.

import type { Gate } from 'portcullis'

export function notes<Env>(gate: Gate<Env>): ReturnType<Gate<Env>['protect']> {
  return gate.protect((_request, _env, _ctx, auth) => Response.json({ notesOf: auth.claims.sub }), {
    scope: ['notes:read'],
  })
}
