import { isObject } from '../../../../options.ts'
import type { AdminClient } from '../client/admin-client.ts'
import { clientState, userState } from './admin-events.ts'
import type { ClientState, UserState } from './events.ts'

/** Reads the current state of users and clients, for events that do not state it. Rejects with `connector_failed`. */
export class CurrentState {
  readonly #admin: Pick<AdminClient, 'get'>

  constructor(admin: Pick<AdminClient, 'get'>) {
    this.#admin = admin
  }

  /** Returns `undefined` for an unknown user. */
  async user(sub: string): Promise<UserState | undefined> {
    const { body } = await this.#admin.get(['users', sub], { right: 'view-users' })
    return isObject(body) && body['id'] === sub ? userState(body) : undefined
  }

  /** Returns `undefined` if no client has that internal id. */
  async client(uuid: string): Promise<ClientState | undefined> {
    const { body } = await this.#admin.get(['clients', uuid], { right: 'view-clients' })
    return isObject(body) && body['id'] === uuid ? clientState(body) : undefined
  }
}
