// Lists notes, with the scope notes:read. The gate is a parameter, so that a test can pass its own.

export function notes(gate) {
  return gate.protect((request, env, ctx, auth) => Response.json({ notesOf: auth.claims.sub }), {
    scope: ['notes:read'],
  })
}
