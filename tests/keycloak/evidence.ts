// Keycloak's own record of an action: its events, as an administrator reads them.

import { pause } from '../../www/demo/child.ts'
import type { Realm } from './realm.ts'

const LIMIT_SECONDS = 10

/** A record of an action, with a name for error messages. */
export interface Evidence {
  readonly name: string
  isIn(realm: Realm, sinceMs: number): Promise<boolean>
}

interface UserEvent {
  type: string
  time: number
  clientId?: string
  userId?: string
  sessionId?: string
  details?: Record<string, string>
}

interface AdminEvent {
  operationType: string
  resourceType: string
  time: number
  resourcePath?: string
  representation?: string
}

/** Returns evidence of a user event with these members. */
export function userEvent(expected: Partial<UserEvent> & { type: string }): Evidence {
  return {
    name: `user event ${expected.type}`,
    async isIn(realm, sinceMs) {
      const events = await realm.read<UserEvent[]>(`events?type=${expected.type}&dateFrom=${sinceMs}&max=1000`)
      return events.some((event) => has(event, expected))
    },
  }
}

/** Returns evidence of an admin event with these members. */
export function adminEvent(expected: Partial<AdminEvent> & { operationType: string; resourceType: string }): Evidence {
  const { operationType, resourceType } = expected
  return {
    name: `admin event ${operationType} ${resourceType}`,
    async isIn(realm, sinceMs) {
      const query = `operationTypes=${operationType}&resourceTypes=${resourceType}&dateFrom=${sinceMs}&max=1000`
      const events = await realm.read<AdminEvent[]>(`admin-events?${query}`)
      return events.some((event) => has(event, expected))
    },
  }
}

/** Returns evidence of a session ended by an administrator. */
export function sessionDeleted(sid: string): Evidence {
  return adminEvent({ operationType: 'DELETE', resourceType: 'USER_SESSION', resourcePath: `sessions/${sid}` })
}

/** Waits until Keycloak shows the record: an event becomes visible when its request has ended. */
export async function requireEvidence(evidence: Evidence, realm: Realm, sinceMs: number): Promise<void> {
  const deadline = Date.now() + LIMIT_SECONDS * 1000
  while (!(await evidence.isIn(realm, sinceMs))) {
    if (Date.now() > deadline) throw new Error(`Keycloak does not show the action: no ${evidence.name}`)
    await pause(100)
  }
}

function has(event: object, expected: object): boolean {
  const members = event as Record<string, unknown>
  return Object.entries(expected).every(([name, value]) => members[name] === value)
}
