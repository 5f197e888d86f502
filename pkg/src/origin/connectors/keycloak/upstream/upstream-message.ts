import { isObject } from '../../../../options.ts'
import type { ForwardedEvent } from '../../forwarder.ts'

/** An act that Keycloak is to carry out. */
export type UpstreamAct =
  | { readonly kind: 'session'; readonly sid: string }
  | { readonly kind: 'user'; readonly sub: string }
  | { readonly kind: 'grant'; readonly sub: string; readonly client: string }
  /** A client's not-before. */
  | { readonly kind: 'client'; readonly client: string }
  /** The sessions of everybody. */
  | { readonly kind: 'everybody' }
  /** The realm's not-before. */
  | { readonly kind: 'realm' }
  /** The user attribute `last_logout_time`. */
  | { readonly kind: 'lastLogoutTime'; readonly sub: string }

/** A message to Keycloak as it waits in the outbox. It holds names and times only. */
export type KeycloakMessage = UpstreamAct & {
  /** Finds the caller that waits for its outcome. */
  readonly key: string
  /** Unix milliseconds: when it was recorded. */
  readonly recordedMs: number
  /** Unix seconds: up to when the event refuses tokens. Sessions that began later go on. */
  readonly until: number
}

/**
 * The act at Keycloak that belongs to an event; `undefined`: none; `refused`: one would be needed, and Keycloak has
 * none.
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
      // The admin API ends whole sessions only.
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

/** `undefined`: not a message of this version. */
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
