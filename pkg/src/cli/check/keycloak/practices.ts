import { isLoopback } from '../../../http/loopback.ts'
import { type JsonObject, numberOf } from '../../keycloak/json.ts'
import { type Finding, ok, PRACTICE, unchecked, warning } from '../finding.ts'

/** The settings of a realm that a best practice is about. */
export interface PracticeFacts {
  readonly baseUrl: URL
  readonly issuer: string
  /** An answer of `GET /admin/realms/{realm}`; `undefined`: no account may read all of it. */
  readonly settings: JsonObject | undefined
  /** The longest token lifespan of those that clients have of their own, in seconds; 0: none has. */
  readonly longestClientLifespan: number
  readonly keys: readonly { readonly alg: string; readonly since: Date | undefined }[]
  readonly acts: boolean
  /** Whether events of users and administrators are stored; `undefined`: no account may read it. */
  readonly auditsEvents: boolean | undefined
}

const SHORT_TOKEN_SECONDS = 15 * 60
const SHORT_IDLE_SECONDS = 60 * 60
const TO_READ = 'give the reader the role view-realm, or set PORTCULLIS_ADMIN_PASSWORD for this run'

/** Best practices for tokens of Keycloak, each ticked or not. */
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
      'put TLS before it, and make its hostname an https: URL',
    )
  if (settings === undefined)
    return unchecked(check, "HTTPS only: the addresses are https:, the realm's 'Require SSL' was not read", TO_READ)
  if (settings['sslRequired'] === 'none')
    return warning(
      check,
      "HTTPS only: 'Require SSL' is 'None'",
      "set Realm settings > General > Require SSL to 'External requests' or more",
    )
  return ok(check, 'HTTPS only')
}

/** The practices that are one setting of the realm each. */
function fromSettings({ settings, longestClientLifespan }: PracticeFacts): Finding[] {
  return SETTINGS.map(({ check, title, isKept, fix }) => {
    if (settings === undefined)
      return unchecked(PRACTICE + check, `${title}: not read, for it needs the right view-realm`, TO_READ)
    return isKept(settings, longestClientLifespan)
      ? ok(PRACTICE + check, title)
      : warning(PRACTICE + check, `${title}: not so`, fix)
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
    `Logout on suspicion: in Keycloak's console${acts ? ', or at the origin, which tells Keycloak' : "; at the origin too, but Keycloak's sessions then go on (init --forward)"}`,
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
      'give the reader the role view-events',
    )
  return auditsEvents
    ? ok(check, 'Logins and token use are audited: events are stored')
    : warning(check, 'Logins and token use are audited: not so', 'Realm settings > Events, or portcullis init')
}
