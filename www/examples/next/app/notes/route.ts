// Lists notes with the scope notes:read, and adds one with notes:write.

import { protect } from 'portcullis/next'
import { gate } from '../../gate'

export const GET = protect(gate, (request, auth) => Response.json({ notesOf: auth.claims.sub }), {
  scope: ['notes:read'],
})
export const POST = protect(gate, (request, auth) => Response.json({ addedBy: auth.claims.sub }), {
  scope: ['notes:write'],
})
