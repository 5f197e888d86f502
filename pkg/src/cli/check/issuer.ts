import { PortcullisError } from '../../errors.ts'
import { issuerNames } from '../../issuer-names.ts'
import type { OriginReport } from '../../origin/api.ts'
import { algorithmOf } from '../../origin/gate/known-keys.ts'
import type { OriginRealm } from '../../origin/options.ts'
import { checkTransport } from '../../http/plain-http.ts'
import { readIssuerMetadata } from '../../providers/metadata.ts'
import type { JWKS } from '../../types.ts'
import { textOf } from '../keycloak/json.ts'
import { type Finding, failure, ok, quoted, unchecked, warning } from './finding.ts'

/** A realm whose issuer is checked. */
interface IssuerCheck {
  readonly realm: OriginRealm
  /** The path of the realm in the configuration, such as `options.realms[0]`. */
  readonly option: string
  readonly plainHttp: 'loopback' | 'anywhere'
  /** Fetches the keys as the origin does. Rejects with `jwks_unreachable` or `invalid_jwks`. */
  readonly fetchKeys: (realm: string) => Promise<JWKS>
  /** All reports of the origin so far. */
  readonly reports: readonly OriginReport[]
}

const TIMEOUT_MS = 10_000
/** Maximum number of names of one issuer that are checked: a realm may have a thousand tenants. */
const MAX_NAMES = 20

/** Compares a realm with its issuer's own metadata. Never rejects: each failure is a finding. */
export async function checkIssuer(check: IssuerCheck): Promise<Finding[]> {
  const { names } = issuerNames(check.realm)
  const asked = await Promise.all(names.slice(0, MAX_NAMES).map((name) => metadataFindings(check, name)))
  const rest = names.length - MAX_NAMES
  const left =
    rest > 0
      ? [unchecked('issuer', `${rest} further names of the issuer were not checked`, `only the first ${MAX_NAMES} are`)]
      : []
  return [...asked.flat(), ...left, ...(await keyFindings(check))]
}

async function metadataFindings({ realm, option, plainHttp }: IssuerCheck, name: string): Promise<Finding[]> {
  const url = URL.canParse(name) ? new URL(name) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    return [
      unchecked(
        'issuer',
        `${quoted(name)} is not a URL, so the issuer has no metadata to compare it with`,
        `compare ${option}.issuer with the iss of a token`,
      ),
    ]
  }
  try {
    checkTransport(url, plainHttp, `${option}.issuer`)
    const metadata = await readIssuerMetadata(url, { fetch, timeoutMs: TIMEOUT_MS })
    if (metadata === undefined) {
      return [
        unchecked(
          'issuer',
          `${url.host} has no metadata for ${quoted(name)} (OpenID Connect Discovery, RFC 8414)`,
          `compare ${option}.issuer with the iss of a token`,
        ),
      ]
    }
    return [
      issuerFinding(name, textOf(metadata['issuer']), option),
      ...keyUrlFindings(realm, textOf(metadata['jwks_uri']), option),
    ]
  } catch (cause) {
    return [failure('issuer', sentenceOf(cause), `check ${option}.issuer, and the network from here to the issuer`)]
  }
}

function issuerFinding(configured: string, stated: string, option: string): Finding {
  if (stated === '')
    return failure(
      'issuer',
      "the issuer's metadata does not name it (issuer)",
      `compare ${option}.issuer with the iss of a token`,
    )
  if (stated === configured) return ok('issuer', `the issuer names itself ${quoted(stated)}, as ${option}.issuer does`)
  const but = withoutSlash(stated) === withoutSlash(configured) ? ': they differ in the trailing slash' : ''
  const says = `the issuer names itself ${quoted(stated)}, and ${option}.issuer is ${quoted(configured)}${but}: all its tokens are refused (wrong_issuer)`
  return failure('issuer', says, `set ${option}.issuer to ${quoted(stated)} if that is the iss of its tokens`)
}

function withoutSlash(issuer: string): string {
  return issuer.replace(/\/$/, '')
}

/**
 * Compares the URLs of the keys. They may differ, for example if the realm uses an address within a private network.
 */
function keyUrlFindings({ jwks }: OriginRealm, stated: string, option: string): Finding[] {
  if ((typeof jwks !== 'string' && !(jwks instanceof URL)) || stated === '' || stated === String(jwks)) return []
  return [
    warning(
      'key_url',
      `the issuer names ${quoted(stated)} for its keys, and ${option}.jwks is ${quoted(String(jwks))}`,
      'make sure that both have the same keys',
    ),
  ]
}

async function keyFindings({ realm, option, fetchKeys, reports }: IssuerCheck): Promise<Finding[]> {
  const where = `${option}.jwks`
  try {
    const { keys } = await fetchKeys(realm.name)
    const skipped = reports.filter(({ realm: name, error }) => name === realm.name && error?.code === 'keys_skipped')
    return [
      algorithmFinding(keys, realm, option),
      ...skipped.map(({ error }) => skippedFinding(error?.message ?? '', error?.detail, where)),
    ]
  } catch (cause) {
    return [failure('keys', `the keys cannot be used: ${sentenceOf(cause)}`, `check ${where}`)]
  }
}

/** Returns the finding about skipped keys. Issuers also publish encryption keys, which verify no token. */
function skippedFinding(message: string, detail: string | undefined, where: string): Finding {
  return detail === 'not_for_verification'
    ? ok('skipped_keys', message)
    : warning('skipped_keys', message, `check the set at ${where}`)
}

function algorithmFinding(keys: JWKS['keys'], { algorithms, rsaAlgorithm }: OriginRealm, option: string): Finding {
  const signing = keys.filter(({ use }) => use === undefined || use === 'sig')
  const found = [...new Set(signing.map((key) => algorithmOf(key, rsaAlgorithm) ?? 'an unknown algorithm'))]
  const says = `${signing.length === 1 ? 'one key' : `${signing.length} keys`} for signatures: ${found.join(', ')}`
  const used = algorithms === undefined ? found : found.filter((each) => algorithms.some((allowed) => allowed === each))
  if (used.length > 0)
    return ok(
      'keys',
      used.length === found.length ? says : `${says}; ${option}.algorithms accepts ${used.join(', ')} of them`,
    )
  return failure(
    'keys',
    `${says}; ${option}.algorithms accepts ${algorithms?.join(', ') ?? 'none'}: all tokens are refused (unsupported_algorithm)`,
    `add the algorithm of the keys to ${option}.algorithms, at gates and origin`,
  )
}

function sentenceOf(cause: unknown): string {
  return cause instanceof PortcullisError ? cause.message : 'the response cannot be read'
}
