import type { RequestSource } from '../api.ts'
import { sameSecret } from '../same-secret.ts'
import { admitAdministrator, type Administrator } from './admin-auth.ts'
import { bearerCredentials } from './bearer-credentials.ts'
import type { Context } from './context.ts'
import { Problem } from './problem.ts'
import { isLocal } from './require-https.ts'
import type { Route } from './route.ts'

/**
 * Checks that a request may use the route; `realm` is the raw path segment. Returns the administrator if the route
 * requires one. Throws a `Problem`.
 */
export async function admit(
  context: Pick<Context, 'gate' | 'settings'>,
  { access }: Route,
  { request, source, realm }: { request: Request; source: RequestSource; realm: string },
): Promise<Administrator | undefined> {
  const { feedCredential, metricsCredential } = context.settings
  switch (access) {
    case 'administrator':
      return admitAdministrator(context, request, realm)
    case 'reader':
      if (feedCredential !== undefined) await requireCredential(request, feedCredential)
      return undefined
    case 'monitor':
      if (metricsCredential !== undefined) await requireCredential(request, metricsCredential)
      else requireNear(request, source)
      return undefined
    case 'anybody':
      return undefined
  }
}

async function requireCredential(request: Request, credential: string): Promise<void> {
  if (await sameSecret(bearerCredentials(request), credential)) return
  throw new Problem(401, 'invalid_token', 'the credential is wrong', {
    'www-authenticate': 'Bearer error="invalid_token"',
  })
}

/** Refuses requests from other machines, including those that a proxy on this machine forwards. */
function requireNear(request: Request, source: RequestSource): void {
  const forwarded = ['forwarded', 'x-forwarded-for', 'via'].some((name) => request.headers.has(name))
  if (isLocal(request, source) && !forwarded) return
  throw new Problem(
    403,
    'forbidden',
    'without metricsCredential only this machine may read this: set it to allow others',
  )
}
