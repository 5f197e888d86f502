import { MessageRefused } from './message-refused.ts'

/**
 * The most by which times may be off. The signature proves the origin of a message, and a wrong clock does not disprove
 * it.
 */
const MAX_SECONDS_OFF = 900
/** The largest lead that is not reported: the default tolerance of gates. */
const LEEWAY_SECONDS = 5
/** An older message may have been delayed, so it shows nothing about the clock. */
const PROMPT_SECONDS = 60

/**
 * The conclusion from a message's times about the issuer's clock. `prompt`: it agrees with ours. `ahead`, `expired`: it
 * differs, or the message was long delayed. `old`: nothing.
 */
export type Timeliness = 'prompt' | 'ahead' | 'expired' | 'old'

/**
 * Judges the times of a message, all in unix seconds. Throws `MessageRefused` (`issued_in_future`, `expired`) if one is
 * off by more than 15 minutes.
 */
export function timelinessOf(
  { issuedAt, expiresAt }: { issuedAt: number; expiresAt?: number },
  now: number,
): Timeliness {
  const ahead = issuedAt - now
  const past = expiresAt === undefined ? -Infinity : now - expiresAt
  if (ahead > MAX_SECONDS_OFF)
    throw new MessageRefused('issued_in_future', 'it was issued in the future: check the clocks of both machines')
  if (past > MAX_SECONDS_OFF) throw new MessageRefused('expired', 'it has expired')
  if (ahead > LEEWAY_SECONDS) return 'ahead'
  if (past >= 0) return 'expired'
  return -ahead > PROMPT_SECONDS ? 'old' : 'prompt'
}
