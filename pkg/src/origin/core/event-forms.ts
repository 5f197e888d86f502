import type { LedgerEvent } from './ledger.ts'
import type { Minor } from './minor.ts'

/** The minor version that introduced a kind of event, and its substitute in older forms. */
interface EventForm {
  since: Minor
  /**
   * `stricter`: an event of an older kind that refuses at least as much. `absent`: no substitute. `same`: no older form
   * exists.
   */
  below: 'same' | 'stricter' | 'absent'
}

const SINCE_1_0: EventForm = { since: 0, below: 'same' }
/** In form 1.0 a grant becomes its user's not-before, and a key's not-before becomes the realm's. */
const SINCE_1_1: EventForm = { since: 1, below: 'stricter' }

/** The forms in which the core publishes each kind of event. `event-forms.test.ts` compares them with the core. */
export const EVENT_FORMS: Readonly<Record<LedgerEvent['kind'], EventForm>> = {
  token: SINCE_1_0,
  session: SINCE_1_0,
  clientSession: SINCE_1_0,
  user: SINCE_1_0,
  grant: SINCE_1_1,
  client: SINCE_1_0,
  realm: SINCE_1_0,
  keyBanned: SINCE_1_0,
  keyNotBefore: SINCE_1_1,
  tokenVersion: SINCE_1_0,
  correction: SINCE_1_0,
  keys: SINCE_1_0,
  keysWithdrawn: SINCE_1_0,
  bounds: SINCE_1_0,
}

/** Returns the lowest minor version whose readers enforce events of this kind. */
export function leastMinor(kind: LedgerEvent['kind']): Minor {
  const { since, below } = EVENT_FORMS[kind]
  switch (below) {
    case 'same':
    case 'stricter':
      return 0
    case 'absent':
      return since
  }
}
