import { isLoopback } from '../../../http/loopback.ts'
import { type JsonObject, numberOf } from '../../keycloak/json.ts'
import { type Finding, ok, PRACTICE, unchecked, warning } from '../finding.ts'

/** The settings of a realm that best practices concern. */
export interface PracticeFacts {
  readonly baseUrl: URL
  readonly issuer: string
  /** A response of `GET /admin/realms/{realm}`; `undefined` if no account may read all of it. */
  readonly settings: JsonObject | undefined
  /** The longest token lifespan set for a client, in seconds; 0 if none is set. */
  readonly longestClientLifespan: number
  readonly keys: readonly { readonly alg: string; readonly since: Date | undefined }[]
  readonly acts: boolean
  /** Whether events of users and administrators are stored; `undefined` if no account may read that. */
  readonly auditsEvents: boolean | undefined
}

const SHORT_TOKEN_SECONDS = 15 * 60
const SHORT_IDLE_SECONDS = 60 * 60
const TO_READ = 'assign the role view-realm to the reader, or set PORTCULLIS_ADMIN_PASSWORD for this run'

/** Checks best practices for tokens of Keycloak. */
export function practiceFindings(facts: PracticeFacts): Finding[] {
  return [httpsOnly(facts), ...fromSettings(facts), onSuspicion(facts), keys(facts), audit(facts)]
}

function httpsOnly({ baseUrl, issuer, settings }: PracticeFacts): Finding {
  const check = `${PRACTICE}https_only`
  const isTls = [baseUrl, new URL(issuer)].every(({ protocol }) => protocol === 'https:')
  if (!isTls)
    return warning(
      check,
      `HTTPS only: Keycloak is used over http:${isLoopback(baseUrl) ? ', on this machine' : ''}`,
      'use TLS in front of it, and set its hostname to an https: URL',
    )
  if (settings === undefined)
    return unchecked(check, "HTTPS only: the addresses are https:, but the realm's 'Require SSL' was not read", TO_READ)
  if (settings['sslRequired'] === 'none')
    return warning(
      check,
      "HTTPS only: 'Require SSL' is 'None'",
      "set Realm settings > General > Require SSL to 'External requests' or more",
    )
  return ok(check, 'HTTPS only')
}

/** Checks the practices that are a single setting of the realm. */
function fromSettings({ settings, longestClientLifespan }: PracticeFacts): Finding[] {
  return SETTINGS.map(({ check, title, isKept, fix }) => {
    if (settings === undefined)
      return unchecked(PRACTICE + check, `${title}: not read, because that requires the right view-realm`, TO_READ)
    return isKept(settings, longestClientLifespan)
      ? ok(PRACTICE + check, title)
      : warning(PRACTICE + check, `${title}: no`, fix)
  })
}

interface SettingPractice {
  readonly check: string
  readonly title: string
  readonly isKept: (settings: JsonObject, longestClientLifespan: number) => boolean
  readonly fix: string
}

const SETTINGS: readonly SettingPractice[] = [
  {
    check: 'short_access_tokens',
    title: `Access tokens of ${SHORT_TOKEN_SECONDS / 60} minutes or less`,
    isKept: ({ accessTokenLifespan }, longest) =>
      Math.max(numberOf(accessTokenLifespan) ?? Infinity, longest) <= SHORT_TOKEN_SECONDS,
    fix: 'Realm settings > Tokens > Access Token Lifespan, and Advanced of each client',
  },
  {
    check: 'refresh_token_rotation',
    title: "Refresh tokens used once ('Revoke Refresh Token')",
    isKept: ({ revokeRefreshToken, refreshTokenMaxReuse }) => revokeRefreshToken === true && refreshTokenMaxReuse === 0,
    fix: 'Realm settings > Tokens > Revoke Refresh Token on, Refresh Token Max Reuse 0',
  },
  {
    check: 'short_sso_idle',
    title: `Idle sessions end after ${SHORT_IDLE_SECONDS / 60} minutes or less`,
    isKept: ({ ssoSessionIdleTimeout }) => (numberOf(ssoSessionIdleTimeout) ?? Infinity) <= SHORT_IDLE_SECONDS,
    fix: 'Realm settings > Sessions > SSO Session Idle',
  },
  {
    check: 'brute_force',
    title: 'Brute force detection on',
    isKept: ({ bruteForceProtected }) => bruteForceProtected === true,
    fix: 'Realm settings > Security defenses > Brute force detection',
  },
]

function onSuspicion({ acts }: PracticeFacts): Finding {
  const check = `${PRACTICE}logout_on_suspicion`
  return ok(
    check,
    `Logout on suspicion: in Keycloak's console${acts ? ', or at the origin, which notifies Keycloak' : "; at the origin too, but Keycloak's sessions then continue (init --forward)"}`,
  )
}

function keys({ keys: found }: PracticeFacts): Finding {
  const check = `${PRACTICE}key_rotation`
  const oldest = found.flatMap(({ since }) => (since === undefined ? [] : [since.getTime()])).sort((a, b) => a - b)[0]
  const age = oldest === undefined ? '' : `, the oldest of ${new Date(oldest).toISOString().slice(0, 10)}`
  if (found.length === 0)
    return warning(
      check,
      'Keys can be rotated: the realm publishes no signing key',
      'Realm settings > Keys > Add provider',
    )
  return ok(
    check,
    `Keys can be rotated without a gap: ${found.map(({ alg }) => alg).join(', ')}${age}; a disabled one is refused after two polls`,
  )
}

function audit({ auditsEvents }: PracticeFacts): Finding {
  const check = `${PRACTICE}audit`
  if (auditsEvents === undefined)
    return unchecked(
      check,
      'Logins and token use are audited: the events config was not read',
      'assign the role view-events to the reader',
    )
  return auditsEvents
    ? ok(check, 'Logins and token use are audited: events are stored')
    : warning(check, 'Logins and token use are audited: no', 'Realm settings > Events, or portcullis init')
}
