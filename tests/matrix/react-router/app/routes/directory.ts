import { authContext, protect } from '../auth.server'
import type { Route } from './+types/directory'

export const middleware = [protect({ authorize: askDirectory })]

export function loader({ context }: Route.LoaderArgs) {
  return Response.json({ sub: context.get(authContext).claims.sub })
}

function askDirectory(): boolean {
  throw new Error('the directory is unreachable')
}
