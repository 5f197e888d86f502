// Lists notes, with the scope notes:read. The gate is passed in: the server's own, or that of a test.

exports.notes = function notes(gate) {
  return gate.protect((request, env, ctx, auth) => Response.json({ notesOf: auth.claims.sub }), {
    scope: ['notes:read'],
  })
}
