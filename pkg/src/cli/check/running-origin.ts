import { PortcullisError } from '../../errors.ts'
import { exchange } from '../../http/exchange.ts'
import { numberOf, objectOf, textOf } from '../keycloak/json.ts'
import { type Finding, failure, ok, type OriginFindings, quoted, unchecked, warning } from './finding.ts'

/** The expected address and realms of an origin. */
export interface RunningOriginCheck {
  /** The base URL of its routes; `undefined` if it is unknown. */
  readonly url: URL | undefined
  /** The option from which `url` is derived. */
  readonly option: string
  readonly realms: readonly string[]
}

const TIMEOUT_MS = 10_000
const MAX_BYTES = 1_024 * 1_024

/**
 * Returns the URL by which this machine reaches an origin that listens there; `undefined` for port 0, which may be any
 * port.
 */
export function urlOfListener({ hostname = '127.0.0.1', port }: { hostname?: string; port: number }): URL | undefined {
  if (port === 0) return undefined
  const reached = hostname === '0.0.0.0' ? '127.0.0.1' : hostname === '::' ? '::1' : hostname
  return new URL(`http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`)
}

/** Checks `/healthz` of an origin. Never rejects: each failure is a finding. */
export async function checkRunningOrigin({ url, ...check }: RunningOriginCheck): Promise<OriginFindings> {
  if (url === undefined)
    return {
      origin: 'unknown',
      findings: [unchecked('health', 'options.listen.port is 0: any free port', 'use --origin URL')],
    }
  return { origin: url.href, findings: await healthFindings(url, check) }
}

async function healthFindings(url: URL, { option, realms }: Omit<RunningOriginCheck, 'url'>): Promise<Finding[]> {
  const health = new URL(`${url.href.replace(/\/$/, '')}/healthz`)
  try {
    const readsBodyOf = (status: number): boolean => status === 200 || status === 503
    const { status, bytes } = await exchange(health, {
      fetch,
      errorCode: 'feed_unreachable',
      maxBytes: MAX_BYTES,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      readsBodyOf,
    })
    if (status === 403)
      return [
        failure(
          'health',
          `${health.href} responded with 403, as an origin does to requests without TLS`,
          'use its https: URL for --origin',
        ),
      ]
    const body = objectOf(parsed(bytes))
    const state = textOf(body['status'])
    if (status === 503 && state === 'failing')
      return [failure('health', `the origin accepts no revocations: ${quoted(textOf(body['error']))}`, 'read its log')]
    if (status !== 200 || state !== 'ok')
      return [
        failure(
          'health',
          `${health.href} responded with ${status}, which is not the response of an origin`,
          `check ${option}`,
        ),
      ]
    return [ok('health', 'the origin accepts revocations'), ...realmFindings(objectOf(body['realms']), realms, option)]
  } catch (cause) {
    return [
      failure(
        'health',
        cause instanceof PortcullisError ? cause.message : 'the response cannot be read',
        `start the origin with portcullis serve, or check ${option}`,
      ),
    ]
  }
}

function realmFindings(
  running: Readonly<Record<string, unknown>>,
  configured: readonly string[],
  option: string,
): Finding[] {
  const known = configured.filter((name) => Object.hasOwn(running, name))
  const missing = configured.filter((name) => !known.includes(name))
  const others = Object.keys(running).filter((name) => !configured.includes(name))
  return [
    ...known.map((name) =>
      ok('realm', `realm ${name} is at sequence ${numberOf(objectOf(running[name])['sequence']) ?? 'unknown'}`),
    ),
    ...missing.map((name) =>
      failure(
        'realm',
        `the origin does not have realm ${name}`,
        `restart it with this configuration, or check ${option}`,
      ),
    ),
    ...(others.length === 0
      ? []
      : [
          warning(
            'realm',
            `the origin has realms that the configuration lacks: ${others.map(quoted).join(', ')}`,
            'restart it with this configuration',
          ),
        ]),
  ]
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}
