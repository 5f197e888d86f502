/** An event that Keycloak has stored, in the connector's own terms. */
export type KeycloakEvent = StoredEvent & Occurrence

/** The parts of any stored event. */
export interface StoredEvent {
  /** A random UUID; it implies no order. */
  readonly id: string
  /** When it happened by Keycloak's clock, in unix milliseconds. Events become visible later, with the earlier time. */
  readonly time: number
  /** The kind of event for the audit log, such as `event LOGOUT`; a constant of this connector. */
  readonly because: string
}

/** The effect of an event at Keycloak. */
export type Occurrence =
  | { readonly kind: 'session_ended'; readonly sid: string }
  | { readonly kind: 'client_session_ended'; readonly sid: string; readonly client: string }
  | { readonly kind: 'refresh_token_reused'; readonly sid: string; readonly client: string }
  | { readonly kind: 'token_revoked'; readonly tokenId: string }
  | { readonly kind: 'consent_removed'; readonly sub: string; readonly client: string }
  | { readonly kind: 'user_logged_out' | 'user_deleted' | 'role_removed'; readonly sub: string }
  | { readonly kind: 'locked_out_for_good' | 'locked_out_for_a_time'; readonly sub: string }
  | { readonly kind: 'password_reset' | 'password_changed'; readonly sub: string }
  | ({ readonly kind: 'user_updated'; readonly sub: string; readonly actor: Actor | undefined } & Details<UserState>)
  | { readonly kind: 'impersonated'; readonly sub: string; readonly sid: string }
  | ({ readonly kind: 'client_updated'; readonly uuid: string } & Details<ClientState>)
  | { readonly kind: 'client_revocation_pushed'; readonly uuid: string }
  | { readonly kind: 'client_deleted'; readonly client: string }
  | { readonly kind: 'client_deleted_without_name'; readonly uuid: string }
  | { readonly kind: 'realm_logged_out' }
  | ({ readonly kind: 'realm_updated' } & Details<RealmState>)
  /** It ends nothing. */
  | { readonly kind: 'other' }
  /** It should end something, but lacks the members that identify it. */
  | { readonly kind: 'unreadable' }

/** The members that were set; `undefined` if the realm stores no details or they are too long. */
interface Details<State> {
  readonly set: State | undefined
}

export interface UserState {
  readonly enabled?: boolean
  /** As received: any type. */
  readonly attributes?: Readonly<Record<string, unknown>>
}

export interface ClientState {
  readonly clientId?: string
  readonly enabled?: boolean
  /** Unix seconds; 0 if none. */
  readonly notBefore?: number
}

export type RealmState = Pick<ClientState, 'enabled' | 'notBefore'>

/** The client that an administrator used. */
export interface Actor {
  /** Keycloak's internal id of the client. */
  readonly clientUuid: string
  /** Whether the client belongs to the realm of the event. */
  readonly ofThisRealm: boolean
}
