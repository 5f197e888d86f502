// All rows of the table, in its order.

import type { Row } from './row.ts'
import { SESSION } from './rows/01-session.ts'
import { USER } from './rows/02-user.ts'
import { REALM } from './rows/03-realm.ts'
import { OUR_ROUTES } from './rows/04-our-routes.ts'
import { REVOCATION } from './rows/05-revocation.ts'
import { LIFETIME } from './rows/06-lifetime.ts'
import { REUSE } from './rows/07-refresh-token-reuse.ts'
import { KEYS } from './rows/08-keys.ts'
import { ATTRIBUTES } from './rows/09-attributes.ts'
import { USER_ACTS } from './rows/10-user-acts.ts'
import { CONSOLE } from './rows/11-console.ts'
import { SHARED_SIGNALS } from './rows/12-shared-signals.ts'
import { INTERRUPTIONS } from './rows/13-interruptions.ts'
import { LOAD } from './rows/13-load.ts'
import { RECEIVERS } from './rows/13-receivers.ts'
import { IMPERSONATION } from './rows/14-impersonation.ts'
import { WRONG_RECEIVERS } from './rows/15-wrong-receivers.ts'
import { TOKEN_SHAPES } from './rows/16-token-shapes.ts'
import { MESSAGES } from './rows/17-messages.ts'

export const ROWS: readonly Row[] = [
  SESSION,
  USER,
  REALM,
  OUR_ROUTES,
  REVOCATION,
  LIFETIME,
  REUSE,
  KEYS,
  ATTRIBUTES,
  USER_ACTS,
  CONSOLE,
  SHARED_SIGNALS,
  RECEIVERS,
  INTERRUPTIONS,
  LOAD,
  IMPERSONATION,
  WRONG_RECEIVERS,
  TOKEN_SHAPES,
  MESSAGES,
]

/** The rows of the short suite. */
export const SHORT_ROWS: readonly number[] = [1, 2, 3, 4, 5, 7, 8, 10, 11]
