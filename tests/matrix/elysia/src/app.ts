import { Elysia } from 'elysia'
import { auth } from './auth.ts'

function askDirectory(): boolean {
  throw new Error('the directory is unreachable')
}

const app = new Elysia()
  .use(auth)
  .get('/read', ({ auth }) => ({ sub: auth.claims.sub }), { protect: { scope: ['read'] } })
  .get('/write', ({ auth }) => ({ sub: auth.claims.sub }), { protect: { scope: ['write'] } })
  .get('/directory', ({ auth }) => ({ sub: auth.claims.sub }), { protect: { authorize: askDirectory } })
  .listen({ port: Number(process.env.PORT), hostname: '127.0.0.1' })

console.log(`listening on ${app.server?.port}`)
