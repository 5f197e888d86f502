import type { Route } from './route.ts'
import { acknowledgementRoutes } from './routes/acks.ts'
import { correctionRoutes } from './routes/corrections.ts'
import { edgeRoutes } from './routes/edges.ts'
import { eventRoutes } from './routes/events.ts'
import { feedRoutes } from './routes/feed.ts'
import { globalRevocationRoutes } from './routes/global-token-revocation.ts'
import { grantRoutes } from './routes/grants.ts'
import { healthRoutes } from './routes/health.ts'
import { keyRoutes } from './routes/keys.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { openApiRoutes } from './routes/openapi.ts'
import { receiverRoutes } from './routes/receivers.ts'
import { realmRoutes } from './routes/realms.ts'
import { revocationRoutes } from './routes/oauth-revoke.ts'
import { revokeRoutes } from './routes/revoke-token.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { streamRoutes } from './routes/stream.ts'
import { userRoutes } from './routes/users.ts'

/** All routes of the origin. */
export const ROUTES: readonly Route[] = [
  ...revokeRoutes,
  ...revocationRoutes,
  ...receiverRoutes,
  ...globalRevocationRoutes,
  ...realmRoutes,
  ...userRoutes,
  ...grantRoutes,
  ...sessionRoutes,
  ...keyRoutes,
  ...correctionRoutes,
  ...edgeRoutes,
  ...eventRoutes,
  ...feedRoutes,
  ...streamRoutes,
  ...acknowledgementRoutes,
  ...healthRoutes,
  ...metricsRoutes,
  ...openApiRoutes(() => ROUTES),
]
