import { isObject } from '../../../../options.ts'
import type { ForwardedEvent } from '../../forwarder.ts'

/** An act that Keycloak is to perform. */
type UpstreamAct =
  | { readonly kind: 'session'; readonly sid: string }
  | { readonly kind: 'user'; readonly sub: string }
  | { readonly kind: 'grant'; readonly sub: string; readonly client: string }
  /** Raises a client's not-before. */
  | { readonly kind: 'client'; readonly client: string }
  /** Ends the sessions of all users. */
  | { readonly kind: 'everybody' }
  /** Raises the realm's not-before. */
  | { readonly kind: 'realm' }
  /** Writes the user attribute `last_logout_time`. */
  | { readonly kind: 'lastLogoutTime'; readonly sub: string }

/** A message to Keycloak as stored in the outbox. It contains only names and times. */
export type KeycloakMessage = UpstreamAct & {
  /** Identifies the caller that waits for its outcome. */
  readonly key: string
  /** Unix milliseconds at which it was recorded. */
  readonly recordedMs: number
  /** Unix seconds up to which the event refuses tokens. Sessions that began later continue. */
  readonly until: number
}

/**
 * Returns the act at Keycloak that an event requires; `undefined` if none, or `refused` if Keycloak has no such
 * operation.
 */
export function actOf({
  event,
  action,
}: Pick<ForwardedEvent, 'event' | 'action'>): UpstreamAct | 'refused' | undefined {
  switch (event.kind) {
    case 'session':
      return { kind: 'session', sid: event.session }
    case 'user':
      return { kind: 'user', sub: event.subject }
    case 'grant':
      return { kind: 'grant', sub: event.subject, client: event.client }
    case 'client':
      return { kind: 'client', client: event.client }
    case 'realm':
      return { kind: action === 'realm_logged_out' ? 'everybody' : 'realm' }
    case 'clientSession':
      // The admin API can end only whole sessions.
      return 'refused'
    case 'token':
    case 'keyBanned':
    case 'keyNotBefore':
    case 'tokenVersion':
    case 'correction':
    case 'keys':
    case 'keysWithdrawn':
    case 'bounds':
      return undefined
  }
}

export function encodeMessage(message: KeycloakMessage): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message))
}

/** Returns `undefined` if it is not a message of this version. */
export function decodeMessage(payload: Uint8Array): KeycloakMessage | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
    return isMessage(value) ? value : undefined
  } catch {
    return undefined
  }
}

const NAMES: Readonly<Record<UpstreamAct['kind'], readonly string[]>> = {
  session: ['sid'],
  user: ['sub'],
  grant: ['sub', 'client'],
  client: ['client'],
  everybody: [],
  realm: [],
  lastLogoutTime: ['sub'],
}

function isMessage(value: unknown): value is KeycloakMessage {
  if (!isObject(value) || typeof value['kind'] !== 'string' || !Object.hasOwn(NAMES, value['kind'])) return false
  const names = NAMES[value['kind'] as UpstreamAct['kind']]
  return (
    [...names, 'key'].every((name) => typeof value[name] === 'string') &&
    ['recordedMs', 'until'].every((name) => Number.isSafeInteger(value[name]))
  )
}
