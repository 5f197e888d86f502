import Router from '@koa/router'
import Koa from 'koa'
import { protect } from './auth.js'

const router = new Router()
const answer = (ctx) => {
  ctx.body = { sub: ctx.state.auth.claims.sub }
}
router.get('/read', protect({ scope: ['read'] }), answer)
router.get('/write', protect({ scope: ['write'] }), answer)
const authorize = () => {
  throw new Error('the directory is unreachable')
}
router.get('/directory', protect({ authorize }), answer)

const app = new Koa().use(router.routes())
const server = app.listen(Number(process.env.PORT), '127.0.0.1', () =>
  console.log(`listening on ${server.address().port}`),
)
