import { authContext, protect } from '../auth.server'
import type { Route } from './+types/write'

export const middleware = [protect({ scope: ['write'] })]

export function loader({ context }: Route.LoaderArgs) {
  return Response.json({ sub: context.get(authContext).claims.sub })
}
