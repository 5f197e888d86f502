import { X509Certificate } from 'node:crypto'
import { PortcullisError } from '../../../errors.ts'
import { download } from '../../../http/download.ts'
import { issuerNames } from '../../../issuer-names.ts'
import type { AdminClient } from '../../../origin/connectors/keycloak/client/admin-client.ts'
import type { KeycloakHttp } from '../../../origin/connectors/keycloak/client/keycloak-http.ts'
import { RealmClient } from '../../../origin/connectors/keycloak/client/realm-client.ts'
import type { KeycloakSettings } from '../../../origin/connectors/keycloak/options.ts'
import { type Finding as Incomplete, findIncomplete } from '../../../origin/connectors/keycloak/polling/completeness.ts'
import type { OriginRealm } from '../../../origin/options.ts'
import { MAX_LIFETIME_SECONDS } from '../../../origin/settings.ts'
import {
  AdminApi,
  administratorApi,
  keycloakAt,
  passwordRefused,
  readerClient,
  rightsOf,
} from '../../keycloak/admin-api.ts'
import { type JsonObject, numberOf, objectOf, objectsOf, textOf, textsOf } from '../../keycloak/json.ts'
import { readClients, readScopes } from '../../keycloak/registered-clients.ts'
import { ACTING_RIGHTS } from '../../keycloak/rights.ts'
import { type Finding, failure, ok, unchecked, warning } from '../finding.ts'
import { clientFindings } from './clients.ts'
import { practiceFindings, type PracticeFacts } from './practices.ts'

export interface KeycloakCheck {
  readonly connector: KeycloakSettings
  readonly realm: OriginRealm & { readonly maxLifetimeSeconds: number }
  readonly plainHttp: 'loopback' | 'anywhere'
  /** An administrator who reads the settings that the service account may not read. */
  readonly administrator: { readonly name: string; readonly password: string } | undefined
}

type Key = PracticeFacts['keys'][number]

const TIMEOUT_MS = 10_000
const MAX_KEYS_BYTES = 1_024 * 1_024
/** Findings that only cause delay, or a gap after a long downtime. */
const LATE_ONLY: readonly Incomplete['kind'][] = ['admin_details_off', 'short_retention']

/** Checks everything on a running Keycloak that a connector depends on. Never rejects: each failure is a finding. */
export async function checkKeycloak(check: KeycloakCheck): Promise<Finding[]> {
  const { connector, realm } = check
  const http = keycloakAt(connector.baseUrl, check.plainHttp)
  const issuer = await issuerFinding(http, check)
  if (issuer.level === 'failure') return [issuer]
  const [keys, keyFinding] = await publishedKeys(realm)
  const client =
    connector.serviceAccount === undefined ? undefined : readerClient(http, connector.realm, connector.serviceAccount)
  const reader = client === undefined ? undefined : new AdminApi(client)
  const administrator =
    check.administrator === undefined ? undefined : administratorApi(http, connector.realm, check.administrator)
  const signedIn = await signInFinding(administrator)
  const settings = await wholeRealm([signedIn === undefined ? administrator : undefined, reader])
  const clients = await clientsOf(reader, check)
  const stored = await storedFindings(client, check)
  const longestClientLifespan = Math.max(0, ...clients.longest)
  return [
    issuer,
    keyFinding,
    ...(signedIn === undefined ? [] : [signedIn]),
    ...stored.findings,
    ...(await actorFindings(http, connector)),
    ...clients.findings,
    lifetimeFinding(settings, realm.maxLifetimeSeconds),
    ...practiceFindings({
      baseUrl: new URL(connector.baseUrl),
      issuer: issuerNames(realm).id,
      settings,
      longestClientLifespan,
      keys,
      acts: connector.actingAccount !== undefined,
      auditsEvents: stored.auditsEvents,
    }),
  ]
}

async function issuerFinding(http: KeycloakHttp, { connector, realm }: KeycloakCheck): Promise<Finding> {
  try {
    const issuer = await new RealmClient(http, connector.realm).issuer()
    if (issuerNames(realm).names.includes(issuer)) return ok('issuer', `the realm's issuer is ${issuer}`)
    return failure(
      'issuer',
      'the realm names another issuer than the configuration: all its tokens are refused (wrong_issuer)',
      `set realms[].issuer to the issuer in ${connector.baseUrl}/realms/${connector.realm}/.well-known/openid-configuration`,
    )
  } catch (cause) {
    return failure('issuer', sentenceOf(cause), "check the connector's baseUrl and realm")
  }
}

async function publishedKeys({ jwks }: OriginRealm): Promise<[Key[], Finding]> {
  try {
    const found = keysOf(typeof jwks === 'string' || jwks instanceof URL ? await downloadJson(new URL(jwks)) : jwks)
    if (found.length > 0)
      return [
        found,
        ok(
          'keys',
          `the realm publishes ${found.length === 1 ? 'a signing key' : `${found.length} signing keys`}: ${found.map(({ alg }) => alg).join(', ')}`,
        ),
      ]
    return [
      found,
      failure('keys', 'there is no signing key at the URL of the keys', "check realms[].jwks, and the realm's keys"),
    ]
  } catch (cause) {
    return [[], failure('keys', `the keys cannot be read: ${sentenceOf(cause)}`, 'check realms[].jwks')]
  }
}

async function downloadJson(url: URL): Promise<unknown> {
  const { status, bytes } = await download(url, {
    fetch,
    errorCode: 'jwks_unreachable',
    maxBytes: MAX_KEYS_BYTES,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  if (status !== 200) throw new PortcullisError('jwks_unreachable', `${url.host} responded with ${status}`)
  return JSON.parse(new TextDecoder().decode(bytes)) as unknown
}

/** Returns signing keys only; Keycloak also publishes one for encryption. */
function keysOf(jwks: unknown): Key[] {
  const keys = objectsOf(objectOf(jwks)['keys']).filter((key) => key['use'] !== 'enc')
  return keys.map((key) => ({
    alg: textOf(key['alg']) || textOf(key['kty']),
    since: certifiedSince(textsOf(key['x5c'])[0]),
  }))
}

/** Returns when the key was created: Keycloak certifies each RSA key itself at that time. */
function certifiedSince(certificate: string | undefined): Date | undefined {
  if (certificate === undefined) return undefined
  try {
    return new Date(new X509Certificate(Buffer.from(certificate, 'base64')).validFrom)
  } catch {
    return undefined
  }
}

/** Returns `undefined` if there is no administrator or the password is correct. */
async function signInFinding(administrator: AdminApi | undefined): Promise<Finding | undefined> {
  try {
    await administrator?.get({ path: [], right: 'view-realm' })
    return undefined
  } catch (cause) {
    return unchecked('administrator', sentenceOf(passwordRefused(cause)), 'the settings of the realm were not read')
  }
}

/**
 * Returns the realm's settings from the first account that may read all of them: with fewer rights, Keycloak returns
 * only a few members.
 */
async function wholeRealm(apis: readonly (AdminApi | undefined)[]): Promise<JsonObject | undefined> {
  for (const api of apis) {
    const settings = objectOf(await api?.get({ path: [], right: 'view-realm' }).catch(() => undefined))
    if (settings['accessTokenLifespan'] !== undefined) return settings
  }
  return undefined
}

async function clientsOf(
  reader: AdminApi | undefined,
  { realm }: KeycloakCheck,
): Promise<{ findings: Finding[]; longest: number[] }> {
  if (reader === undefined)
    return {
      findings: [
        unchecked(
          'clients',
          'no clients were read, because there is no service account',
          'create one with portcullis init',
        ),
      ],
      longest: [],
    }
  try {
    const [clients, scopes] = [await readClients(reader), await readScopes(reader)]
    const findings = clientFindings({ clients, scopes, realm, maxLifetimeSeconds: realm.maxLifetimeSeconds })
    return { findings, longest: clients.map(({ accessTokenLifespan = 0 }) => accessTokenLifespan) }
  } catch (cause) {
    return {
      findings: [failure('clients', sentenceOf(cause), 'run portcullis init, which assigns the rights')],
      longest: [],
    }
  }
}

/** Checks the conditions that the connector would report as incomplete, and whether events are stored at all. */
async function storedFindings(
  client: AdminClient | undefined,
  { connector, realm }: KeycloakCheck,
): Promise<{ findings: Finding[]; auditsEvents: boolean | undefined }> {
  if (client === undefined)
    return {
      findings: [
        warning(
          'events',
          'there is no service account that reads events: revoked tokens, reused refresh tokens, and disabled or deleted users are never noticed',
          'create one with portcullis init',
        ),
      ],
      auditsEvents: undefined,
    }
  try {
    const incomplete = await findIncomplete({ client, settings: connector, lifetimeSeconds: realm.maxLifetimeSeconds })
    const has = (...kinds: Incomplete['kind'][]): boolean => incomplete.some(({ kind }) => kinds.includes(kind))
    const findings = incomplete.map(({ kind, sentence }) =>
      (LATE_ONLY.includes(kind) ? warning : failure)(kind, sentence, 'run portcullis init'),
    )
    return {
      findings:
        findings.length > 0
          ? findings
          : [
              ok(
                'events',
                `the service account ${connector.serviceAccount?.clientId ?? ''} may read everything that is needed, and the realm stores it`,
              ),
            ],
      auditsEvents: has('missing_right') ? undefined : !has('user_events_off', 'admin_events_off'),
    }
  } catch (cause) {
    return {
      findings: [failure('events', sentenceOf(cause), 'configure the secret of the client, or run portcullis init')],
      auditsEvents: undefined,
    }
  }
}

async function actorFindings(http: KeycloakHttp, { realm, actingAccount }: KeycloakSettings): Promise<Finding[]> {
  if (actingAccount === undefined) return []
  try {
    const rights = await rightsOf(http, realm, actingAccount)
    const missing = ACTING_RIGHTS.filter((right) => !rights.includes(right) && !rights.includes('realm-admin'))
    if (missing.length === 0)
      return [ok('actor', `the service account ${actingAccount.clientId} may end sessions and set not-befores`)]
    return [
      failure(
        'actor',
        `the service account ${actingAccount.clientId} lacks ${missing.join(', ')} of realm-management`,
        'assign the roles, or run portcullis init --forward',
      ),
    ]
  } catch (cause) {
    return [failure('actor', sentenceOf(cause), 'configure the secret of the client, or run portcullis init --forward')]
  }
}

function lifetimeFinding(settings: JsonObject | undefined, maxLifetimeSeconds: number): Finding {
  const lifespan = numberOf(settings?.['accessTokenLifespan'])
  if (lifespan === undefined)
    return unchecked(
      'lifetime',
      "the realm's token lifespan was not read, because that requires the right view-realm",
      'assign that role to the reader, or set PORTCULLIS_ADMIN_PASSWORD for this run',
    )
  if (lifespan <= maxLifetimeSeconds)
    return ok('lifetime', `access tokens live ${lifespan} s, revocations ${maxLifetimeSeconds} s (maxLifetimeSeconds)`)
  return failure(
    'lifetime',
    `access tokens live ${lifespan} s, longer than maxLifetimeSeconds, ${maxLifetimeSeconds} s: they are refused`,
    `shorten Access Token Lifespan, or raise maxLifetimeSeconds, to ${MAX_LIFETIME_SECONDS} (40 days) at most`,
  )
}

function sentenceOf(cause: unknown): string {
  return cause instanceof PortcullisError ? cause.message : "the response is not in Keycloak's form"
}
