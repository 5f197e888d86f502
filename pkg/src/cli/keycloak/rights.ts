/** The minimum rights of the account that reads: roles of `realm-management`. */
export const READING_RIGHTS: readonly string[] = ['view-events', 'view-users', 'view-clients']

/** The minimum rights of the account that acts. */
export const ACTING_RIGHTS: readonly string[] = ['manage-users', 'manage-realm', 'manage-clients']
