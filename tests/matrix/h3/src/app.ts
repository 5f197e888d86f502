import { type EventHandler, H3, serve } from 'h3'
import { protect } from './auth.ts'

function askDirectory(): boolean {
  throw new Error('the directory is unreachable')
}

const answer: EventHandler = ({ context }) => ({ sub: context.auth.claims.sub })

const app = new H3()
  .get('/read', answer, { middleware: [protect({ scope: ['read'] })] })
  .get('/write', answer, { middleware: [protect({ scope: ['write'] })] })
  .get('/directory', answer, { middleware: [protect({ authorize: askDirectory })] })

const server = await serve(app, { port: Number(process.env.PORT), hostname: '127.0.0.1', silent: true }).ready()
console.log(`listening on ${new URL(server.url ?? '').port}`)
