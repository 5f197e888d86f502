import { initTRPC, TRPCError } from '@trpc/server'
import type { AccessOptions, Refused } from 'portcullis'
import { gate } from './gate.ts'

export interface Context {
  request: Request
  refused?: Refused
}

const t = initTRPC.context<Context>().create()
const CODES = { 400: 'BAD_REQUEST', 401: 'UNAUTHORIZED', 403: 'FORBIDDEN', 503: 'SERVICE_UNAVAILABLE' } as const

export const { router } = t

/** Creates a procedure for requests with a valid token; the verdict is in ctx.auth. */
export function protectedProcedure(options?: AccessOptions) {
  const authenticate = gate.authenticator(options)
  return t.procedure.use(async ({ ctx, next }) => {
    const verdict = await authenticate(ctx.request)
    if (verdict.ok) return next({ ctx: { auth: verdict } })
    ctx.refused = verdict
    throw new TRPCError({ code: CODES[verdict.status], message: verdict.reason })
  })
}

/** Adds WWW-Authenticate and the gate's other headers. The body remains tRPC's, which its clients read. */
export function responseMeta({ ctx }: { ctx?: Context }) {
  if (ctx?.refused === undefined) return {}
  const { headers } = gate.challenge(ctx.refused)
  headers.delete('content-type')
  return { headers }
}
