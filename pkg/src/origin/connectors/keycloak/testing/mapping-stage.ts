import { readAdminEvent } from '../events/admin-events.ts'
import { ClientNames } from '../events/client-names.ts'
import { CurrentState } from '../events/current-state.ts'
import type { KeycloakEvent } from '../events/events.ts'
import { type Consequence, consequenceOf } from '../events/mapping.ts'
import { readUserEvent } from '../events/user-events.ts'
import { type KeycloakOptions, resolveKeycloakSettings } from '../options.ts'

/** A Keycloak with these users and clients, keyed by their internal ids. */
interface MappingStage {
  user(event: unknown): Promise<Consequence | undefined>
  admin(event: unknown): Promise<Consequence | undefined>
  /** The requested paths. */
  readonly asked: string[]
  nowMs: number
}

export function mappingStage(
  options: Partial<KeycloakOptions> = {},
  documents: Readonly<Record<string, unknown>> = {},
): MappingStage {
  const serviceAccount = { clientId: 'portcullis-reader', clientSecret: 'a secret' }
  const settings = resolveKeycloakSettings({
    baseUrl: 'https://sso.example',
    realm: 'acme',
    serviceAccount,
    ...options,
  })
  const asked: string[] = []
  const state = new CurrentState({
    async get(path) {
      asked.push(path.join('/'))
      const body = documents[path.join('/')]
      return { status: body === undefined ? 404 : 200, body: body ?? { error: 'Could not find it' } }
    },
  })
  const names = new ClientNames({ state, nowMs: () => stage.nowMs })
  const judge = async (event: KeycloakEvent | undefined): Promise<Consequence | undefined> =>
    event === undefined ? undefined : consequenceOf(event, { settings, names, state })
  const stage: MappingStage = {
    user: (event) => judge(readUserEvent(event)),
    admin: (event) => judge(readAdminEvent(event)),
    asked,
    nowMs: 0,
  }
  return stage
}
