import { authContext, protect } from '../auth.server'
import type { Route } from './+types/broken'

export const middleware = [protect({ authorize: unreachable })]

export function loader({ context }: Route.LoaderArgs) {
  return Response.json({ sub: context.get(authContext).claims.sub })
}

function unreachable(): boolean {
  throw new Error('the directory is unreachable')
}
