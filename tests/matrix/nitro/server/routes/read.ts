import { protect } from '../lib/protect'

export default protect((_event, auth) => ({ sub: auth.claims.sub }), { scope: ['read'] })
