import { bearerToken } from '../../http/bearer.ts'
import { refused } from '../../http/refusal.ts'
import { refusedToken } from './problem.ts'

/**
 * Returns the string after the scheme `Bearer`, which may be empty. Throws a `Problem`: 401 without one, 400 with
 * several.
 */
export function bearerCredentials(request: Request): string {
  const presented = bearerToken(request.headers)
  switch (presented.kind) {
    case 'token':
      return presented.token
    case 'nothing':
      throw refusedToken(refused('missing_token'))
    case 'several':
      throw refusedToken(refused('invalid_request'))
  }
}
