import { gate } from '@/lib/gate'

export async function proxy(request: Request) {
  const scope = [new URL(request.url).pathname.split('/').at(-1) ?? '']
  const auth = await gate.authenticate(request, { scope })
  return auth.ok ? undefined : gate.challenge(auth)
}

export const config = { matcher: '/proxied/:path*' }
