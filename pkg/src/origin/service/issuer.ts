import type { IssuerAdministration } from '../options.ts'
import type { Settings } from '../settings.ts'

/** Returns the administration of the realm's issuer; `undefined` if it does not run beside the origin. */
export function administrationOf(
  { realms }: Pick<Settings, 'realms'>,
  realm: string,
): IssuerAdministration | undefined {
  return realms.find(({ name }) => name === realm)?.administration
}

/**
 * Ends a session at the issuer beside the origin, with its refresh tokens. The ledger already refuses the session, so a
 * failure is reported and undoes nothing.
 */
export async function tellSessionEnded(
  { settings, onFault }: { settings: Settings; onFault: (cause: unknown, message: string) => void },
  realm: string,
  sid: string,
): Promise<void> {
  try {
    await administrationOf(settings, realm)?.sessionEnded(sid)
  } catch (cause) {
    onFault(cause, `realm ${realm}: the issuer could not end a session that is revoked`)
  }
}
