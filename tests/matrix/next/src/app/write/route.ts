import { protect } from 'portcullis/next'
import { gate } from '@/lib/gate'

export const GET = protect(gate, (_request, auth) => Response.json({ sub: auth.claims.sub }), { scope: ['write'] })
