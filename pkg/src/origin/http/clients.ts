import { Problem } from './problem.ts'
import { invalidRequest } from './input.ts'
import { sameDigest, sha256 } from '../same-secret.ts'
import type { ClientOptions } from '../options.ts'

/** The hash with which unknown and public clients are compared; no secret has it. */
const NO_DIGEST = new Uint8Array(32)
/** The maximum length at which a claimed client name is stored with its failures. */
const MAX_ACCOUNT_CHARACTERS = 128

/** An authenticated client. */
interface AuthenticatedClient {
  id: string
}

interface AuthenticateOptions {
  /** The realm of the request. Default: not checked. */
  realm?: string
  /**
   * Called with the account before its secret is compared, and again before the outcome is returned; may throw to
   * refuse.
   */
  attempt?: (account: string) => void
}

interface KnownClient {
  /** `undefined` for a public client. */
  secretSha256: Promise<Uint8Array> | undefined
  realms: readonly string[] | undefined
}

/** The OAuth clients that are known here. It stores only hashes of their secrets. */
export class ClientRegistry {
  readonly #clients: ReadonlyMap<string, KnownClient>

  constructor(clients: readonly ClientOptions[]) {
    this.#clients = new Map(
      clients.map((client) => [client.id, { secretSha256: digestOf(client), realms: client.realms }]),
    )
  }

  /** Whether the client that a request names is known and allowed in the realm. */
  knows(request: Request, form: ReadonlyMap<string, string>, realm: string): boolean {
    const client = this.#clients.get(claimedClient(request, form) ?? '')
    return client !== undefined && client.realms?.includes(realm) !== false
  }

  /**
   * Authenticates the client (RFC 6749 §2.3): a public one by `client_id`, a confidential one by secret or HTTP Basic.
   * Throws a `Problem`: 401 `invalid_client`, or 400 `invalid_request` if it uses both ways.
   */
  async authenticate(
    request: Request,
    form: ReadonlyMap<string, string>,
    { realm, attempt }: AuthenticateOptions = {},
  ): Promise<AuthenticatedClient> {
    checkOneClient(request, form)
    const basic = basicCredentials(request.headers.get('authorization'))
    const id = basic?.id ?? form.get('client_id')
    const secret = basic?.secret ?? form.get('client_secret')
    if (id === undefined) throw invalidClient(false)
    const account = accountOf(id)
    attempt?.(account)
    const isKnown = await this.#authenticates(id, secret, realm)
    // Parallel guesses beyond the limit get no result.
    attempt?.(account)
    if (!isKnown) throw invalidClient(basic !== undefined)
    return { id }
  }

  /**
   * Whether the secret is the client's. An unknown client takes the same time as a known one. A public client has no
   * secret to send.
   */
  async #authenticates(id: string, secret: string | undefined, realm: string | undefined): Promise<boolean> {
    const client = this.#clients.get(id)
    const same = sameDigest(await sha256(secret ?? ''), (await client?.secretSha256) ?? NO_DIGEST)
    if (client === undefined || (realm !== undefined && client.realms?.includes(realm) === false)) return false
    return client.secretSha256 === undefined ? secret === undefined : same
  }
}

/**
 * Refuses a request that authenticates in two ways or names two clients (RFC 6749 §2.3), because the servers that read
 * it might not agree on which one counts. Throws a `Problem` (400).
 */
export function checkOneClient(request: Request, form: ReadonlyMap<string, string>): void {
  const basic = basicCredentials(request.headers.get('authorization'))
  const ways = [basic !== undefined, form.has('client_secret'), form.has('client_assertion')]
  if (ways.filter(Boolean).length > 1) throw invalidRequest('the client authenticates in two ways')
  if (basic !== undefined && form.has('client_id') && form.get('client_id') !== basic.id)
    throw invalidRequest('two different clients are named')
}

/**
 * Returns the value of an `Authorization` header with a client's credentials (HTTP Basic); other schemes do not count.
 */
export function clientAuthorization(request: Request): string | undefined {
  const header = request.headers.get('authorization')
  return header === null || basicCredentials(header) === undefined ? undefined : header
}

/** Returns the `client_id` that a request names, by HTTP Basic or in the form. */
export function claimedClient(request: Request, form: ReadonlyMap<string, string>): string | undefined {
  return basicCredentials(request.headers.get('authorization'))?.id ?? form.get('client_id')
}

/** Returns the account against which failed attempts of a client count. */
export function accountOf(client: string): string {
  return `client:${client.slice(0, MAX_ACCOUNT_CHARACTERS)}`
}

function digestOf({ secret, secretSha256 }: ClientOptions): Promise<Uint8Array> | undefined {
  if (secret !== undefined) return sha256(secret)
  if (secretSha256 === undefined) return undefined
  return Promise.resolve(Uint8Array.from(secretSha256.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)))
}

function invalidClient(basic: boolean): Problem {
  const wrong = 'the client is unknown or its secret is wrong'
  if (!basic) return new Problem(401, 'invalid_client', wrong)
  const hint = 'with HTTP Basic, id and secret must be form-encoded (RFC 6749 section 2.3.1)'
  return new Problem(401, 'invalid_client', `${wrong}: ${hint}`, { 'www-authenticate': 'Basic realm="portcullis"' })
}

/**
 * Parses id and secret, which are form-encoded before they are base64-encoded. Unreadable credentials name a client
 * that cannot exist.
 */
function basicCredentials(header: string | null): { id: string; secret: string } | undefined {
  if (header === null || !/^basic(?: |$)/i.test(header)) return undefined
  try {
    const [id = '', ...secret] = atob(header.slice('basic'.length).trim()).split(':')
    return { id: formDecode(id), secret: formDecode(secret.join(':')) }
  } catch {
    return { id: '', secret: '' }
  }
}

function formDecode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}
