import { readFileSync } from 'node:fs'
import { policyDigest } from '../../entry/origin/node.ts'
import { PortcullisError } from '../../errors.ts'
import { download } from '../../http/download.ts'
import { isLoopback } from '../../http/loopback.ts'
import type { OriginRealm } from '../../origin/options.ts'
import { type JsonObject, objectsOf, textOf } from '../keycloak/json.ts'
import { codeOf } from '../secrets.ts'
import { UsageError } from '../usage.ts'
import { type Finding, failure, type GateFindings, ok, unchecked, warning } from './finding.ts'

interface GateCheck {
  /** A file or URL with the JSON array that `gate.status()` returns. */
  readonly source: string
  readonly realms: readonly OriginRealm[]
  readonly plainHttp: 'loopback' | 'anywhere'
}

const MAX_BYTES = 1_024 * 1_024
const TIMEOUT_MS = 10_000

/**
 * Compares a gate's status with a configuration: the configured realms, and realms of the gate without revocation.
 * Throws `UsageError`.
 */
export async function checkGateStatus(check: GateCheck): Promise<GateFindings[]> {
  const status = await readStatus(check)
  const own = new Set(check.realms.map(({ name }) => name))
  const others = status
    .map((each) => ({ name: textOf(each['realm']), each }))
    .filter(({ name }) => name !== '' && !own.has(name))
  const findingsOf = (realm: string, findings: Finding[]): GateFindings => ({ gate: check.source, realm, findings })
  return [
    ...check.realms.map((realm) =>
      findingsOf(
        realm.name,
        realmFindings(
          realm,
          status.find((each) => each['realm'] === realm.name),
        ),
      ),
    ),
    ...others.map(({ name, each }) => findingsOf(name, [revocationFinding(each)])),
  ]
}

function realmFindings(realm: OriginRealm, status: JsonObject | undefined): Finding[] {
  if (status === undefined)
    return [warning('realm', 'the gate has no realm with this name', 'check the name in its options')]
  const revocation = revocationFinding(status)
  const policy = policyFinding(realm, status)
  return revocation.level === 'failure' ? [revocation, policy] : [revocation, policy, stateFinding(status)]
}

function revocationFinding({ revocation }: JsonObject): Finding {
  if (revocation === 'checked') return ok('revocation', 'revocations are looked up')
  if (revocation === undefined)
    return unchecked(
      'revocation',
      'the gate does not report whether revocations are looked up: it is an older version',
      'upgrade it',
    )
  const advice = "configure this origin's feed for the realm instead of revocation: 'unchecked'"
  return failure('revocation', 'no revocation is looked up, so revoked tokens are accepted until they expire', advice)
}

function policyFinding(realm: OriginRealm, { policy }: JsonObject): Finding {
  if (policy === policyDigest(realm)) return ok('policy', 'gate and origin have the same options')
  return failure(
    'policy',
    'gate and origin differ in an option on which they must agree: every token is refused (no_feed)',
    'use the same value for both',
  )
}

function stateFinding({ loaded, keys }: JsonObject): Finding {
  if (loaded !== true)
    return failure(
      'state',
      'no revocation state is loaded: every token is refused (no_feed)',
      'check feed.url and feed.keys',
    )
  if (keys !== true)
    return failure('state', 'there are no keys: every token is refused (keys_unavailable)', 'check jwks')
  return ok('state', 'state and keys are loaded')
}

async function readStatus({ source, plainHttp }: GateCheck): Promise<JsonObject[]> {
  const text = /^https?:/i.test(source) ? await fetchStatus(urlOf(source, plainHttp)) : readStatusFile(source)
  const status = objectsOf(parsed(text))
  if (status.length === 0)
    throw new UsageError(`${source}: not the result of gate.status(): an array with an object for each realm`)
  return status
}

function urlOf(source: string, plainHttp: GateCheck['plainHttp']): URL {
  const url = URL.canParse(source) ? new URL(source) : undefined
  if (url === undefined) throw new UsageError('--status must be a file, or an https: URL')
  if (url.protocol === 'http:' && plainHttp === 'loopback' && !isLoopback(url)) {
    throw new UsageError('--status must be an https: URL, so that the response cannot be forged; see plainHttp')
  }
  return url
}

async function fetchStatus(url: URL): Promise<string> {
  try {
    const limits = { maxBytes: MAX_BYTES, signal: AbortSignal.timeout(TIMEOUT_MS) }
    const { status, bytes } = await download(url, { fetch, errorCode: 'feed_unreachable', ...limits })
    if (status !== 200)
      throw new PortcullisError('feed_unreachable', `${url.host} responded with ${status} instead of a gate's status`)
    return new TextDecoder().decode(bytes)
  } catch (cause) {
    throw new UsageError(
      cause instanceof PortcullisError ? cause.message : 'the status of the gate could not be read',
      { cause },
    )
  }
}

function readStatusFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new UsageError(`${file} cannot be read (${codeOf(cause)})`, { cause })
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
