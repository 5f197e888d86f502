import { serve } from '@hono/node-server'
import { fetchRequestHandler } from '@trpc/server/adapters/fetch'
import { protectedProcedure, responseMeta, router } from './trpc.ts'

const notes = router({
  read: protectedProcedure({ scope: ['read'] }).query(({ ctx }) => ({ sub: ctx.auth.claims.sub })),
  write: protectedProcedure({ scope: ['write'] }).query(({ ctx }) => ({ sub: ctx.auth.claims.sub })),
  directory: protectedProcedure({ authorize: askDirectory }).query(({ ctx }) => ({ sub: ctx.auth.claims.sub })),
})

function askDirectory(): boolean {
  throw new Error('the directory is unreachable')
}

export function fetch(request: Request): Promise<Response> {
  return fetchRequestHandler({
    endpoint: '',
    req: request,
    router: notes,
    createContext: () => ({ request }),
    responseMeta,
  })
}

serve({ fetch, port: Number(process.env.PORT), hostname: '127.0.0.1' }, ({ port }) =>
  console.log(`listening on ${port}`),
)
