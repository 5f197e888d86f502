import { gate } from '@/lib/gate'

export const runtime = 'edge'

export async function GET(request: Request) {
  const auth = await gate.authenticate(request, { scope: ['read'] })
  return auth.ok ? Response.json({ sub: auth.claims.sub }) : gate.challenge(auth)
}
