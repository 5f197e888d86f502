import type { NextFetchEvent, NextRequest } from 'next/server'
import { protect } from 'portcullis/next'
import { gate } from '@/lib/gate'

const read = protect(gate, { scope: ['read'] })
const write = protect(gate, { scope: ['write'] })

export function proxy(request: NextRequest, event: NextFetchEvent) {
  return request.nextUrl.pathname.endsWith('/write') ? write(request, event) : read(request, event)
}

export const config = { matcher: '/proxied/:path*' }
