import { protect } from '../lib/protect'

export default protect((_event, auth) => ({ sub: auth.claims.sub }), { authorize: askDirectory })

function askDirectory(): boolean {
  throw new Error('the directory is unreachable')
}
