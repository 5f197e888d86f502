// The realm's clients that tokens are issued to, by the messages that Keycloak sends when their sessions end.

export interface Client {
  readonly id: string
  /** Left out: a public client. */
  readonly secret?: string
}

/** Its logout tokens name the session. */
export const WEB: Client = { id: 'web', secret: 'web-secret' }
/** Another one of that kind, for a second client in a session. */
export const MOBILE: Client = { id: 'mobile' }
/** Its logout tokens name the user only. */
export const SPA: Client = { id: 'spa' }
/** Has no URL: nothing is sent to it. */
export const SILENT: Client = { id: 'silent' }
/** Asks its users for consent; its logout tokens name the session. */
export const CONSENTING: Client = { id: 'consenting', secret: 'consenting-secret' }
/** Keycloak's own account console. */
export const ACCOUNT_CONSOLE: Client = { id: 'account-console' }
