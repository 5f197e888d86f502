import { authContext, protect } from '../auth.server'
import type { Route } from './+types/read'

export const middleware = [protect({ scope: ['read'] })]

export function loader({ context }: Route.LoaderArgs) {
  return Response.json({ sub: context.get(authContext).claims.sub })
}
