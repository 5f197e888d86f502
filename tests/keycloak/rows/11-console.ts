// Row 11: changes at Keycloak about which it sends no message.

import type { Row } from '../row.ts'
import { CLIENT_CASES } from './11-clients.ts'
import { USER_CASES } from './11-users.ts'

export const CONSOLE: Row = {
  number: 11,
  title: 'changed by an administrator',
  cases: [...USER_CASES, ...CLIENT_CASES],
}
