// The realm's clients, which differ in the messages that Keycloak sends when their sessions end.

export interface Client {
  readonly id: string
  /** Absent for a public client. */
  readonly secret?: string
}

/** Its logout tokens name the session. */
export const WEB: Client = { id: 'web', secret: 'web-secret' }
/** A second client of this kind for the same session. */
export const MOBILE: Client = { id: 'mobile' }
/** Its logout tokens name the user only. */
export const SPA: Client = { id: 'spa' }
/** Has no URL, so Keycloak sends it nothing. */
export const SILENT: Client = { id: 'silent' }
/** Asks its users for consent; its logout tokens name the session. */
export const CONSENTING: Client = { id: 'consenting', secret: 'consenting-secret' }
/** Keycloak's own account console. */
export const ACCOUNT_CONSOLE: Client = { id: 'account-console' }
