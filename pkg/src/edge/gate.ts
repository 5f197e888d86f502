import { bearerToken, challenge, isScopeToken } from '../bearer.ts'
import { PortcullisError } from '../errors.ts'
import { checkOptions, invalid, rule, type Rules } from '../options.ts'
import type {
  Accepted, AuthenticateOptions, Check, CheckOptions, Claims, EnvOption, ExecutionContextLike, FeedApplied, Gate, GateOptions, Status,
  Verdict, WaitUntil,
} from '../types.ts'
import { judge, judgeAtOnce } from './judge.ts'
import { Flight, type OpenGate } from './opengate.ts'
import { Opening } from './opening.ts'
import { protect } from './protect.ts'
import { receiveFeed } from './receive.ts'
import { isAtHand, refused, verdictOf } from './verdict.ts'

/**
 * Makes a gate. It does nothing until its first use, so it may stand at module scope. Options may be a function of a
 * worker's `env`, called once for each `env`. Throws `invalid_option` at once for options given as they are; else the first
 * use does.
 */
export function createGate<Env = unknown>(options: GateOptions | ((env: Env) => GateOptions)): Gate<Env> {
  const opening = new Opening<Env>(options)

  /** The verdict itself where nothing has to be awaited for it, as for nearly every request. */
  function judged<C extends Claims>(token: unknown, env: Env | undefined, host: ExecutionContextLike): Verdict<C> | Promise<Verdict<C>> {
    const gate = opening.open(env)
    if (typeof token !== 'string' || token === '') return refused(isAbsent(token) ? 'missing_token' : 'malformed')
    const looked = gate.look(token)
    if (looked instanceof Flight) return landed<C>(gate, looked, token, host)
    return judgeAtOnce<C>(gate, looked, token) ?? judge<C>(gate, looked, token, forgiving(host))
  }

  /** `scope` must have been checked. */
  function authenticated(request: Request, env: Env | undefined, scope: readonly string[], host: ExecutionContextLike): Verdict | Promise<Verdict> {
    const presented = bearerToken(request.headers)
    if (presented.kind === 'nothing') return refused('missing_token')
    if (presented.token === '') return refused('malformed')
    const verdict = judged(presented.token, env, host)
    if (scope.length === 0) return verdict
    const granted = (verdict: Verdict) => (verdict.ok ? scoped(verdict, scope, opening.open(env)) : verdict)
    return isAtHand(verdict) ? granted(verdict) : verdict.then(granted)
  }

  function check<C extends Claims = Claims>(token: unknown, options: CheckOptions<Env> = {}): Promise<Verdict<C>> {
    return promised(() => judged<C>(token, options.env, options))
  }

  function checkSync<C extends Claims = Claims>(token: unknown, options: EnvOption<Env> = {}): Verdict<C> {
    const gate = opening.open(options.env)
    if (typeof token !== 'string' || token === '') return refused(isAbsent(token) ? 'missing_token' : 'malformed')
    const found = gate.find(token)
    if (found.reason === 'keys_unavailable') mustNotNeedHost(gate, token)
    return verdictOf<C>(found, gate.realmOf(found), token)
  }

  function authenticate(request: Request, options: AuthenticateOptions<Env> = {}): Promise<Verdict> {
    return promised(() => {
      for (const name in options) if (!AUTHENTICATE_OPTIONS.has(name)) checkOptions(options, AUTHENTICATE_RULES)
      return authenticated(request, options.env, scopeOf(options), options)
    })
  }

  async function explain(token: unknown, options: CheckOptions<Env> = {}): Promise<Check[]> {
    // The same fetches as for a verdict come first, so that it explains what a request would have got.
    await check(token, options)
    return opening.open(options.env).explain(typeof token === 'string' ? token : '')
  }

  return {
    check,
    checkSync,
    authenticate,
    challenge,
    protect: (handler, options) => protect(authenticated, handler, options),
    explain,
    receiveFeed: async (request, options = {}) => receiveFeed(opening.open(options.env), request, forgiving(options)),
    applyFeed: (bytes, options = {}) => applyFeed(opening.open(options.env), bytes),
    refresh: async (realm, options = {}) => refresh(opening.open(options.env), realm),
    status: (options = {}) => (opening.needs(options.env) ? [] : status(opening.open(options.env))),
    close: () => opening.close(),
  }
}

/** A misspelt `scope` must not let everybody in. */
const AUTHENTICATE_RULES: Rules = Object.fromEntries(['env', 'scope', 'waitUntil'].map((name) => [name, rule('given', () => true)]))
const AUTHENTICATE_OPTIONS: ReadonlySet<string> = new Set(Object.keys(AUTHENTICATE_RULES))
const NO_SCOPE: string[] = []

/** Without the host this token cannot be judged, so no verdict on it may be given. Throws `host_crypto_needed`. */
function mustNotNeedHost(gate: OpenGate, token: string): void {
  const algorithm = gate.core.hostNeeded(token, gate.now())
  if (algorithm === undefined) return
  const message = `${algorithm} is left to the host by the slim module, and this host has no synchronous cryptography: use check`
  throw new PortcullisError('host_crypto_needed', message, { detail: algorithm })
}

function isAbsent(token: unknown): boolean {
  return token === undefined || token === null || token === ''
}

/** A `waitUntil` that throws (taken off its object, or called too late) must not fail the request. */
function forgiving(host: ExecutionContextLike): WaitUntil | undefined {
  if (host.waitUntil === undefined) return undefined
  return (promise) => {
    try {
      // Called on its context, which is what workerd's insists on.
      host.waitUntil?.(promise)
    } catch {
      // The work goes on without the host's promise to wait for it.
    }
  }
}

/** Throws `invalid_option`. */
function scopeOf({ scope = NO_SCOPE }: AuthenticateOptions): readonly string[] {
  if (Array.isArray(scope) && scope.every(isScopeToken)) return scope
  throw invalid("options.scope must be an array of scope tokens (RFC 6749 §3.3), such as ['read']")
}

/** The same verdict, if the token's scope, a list separated by spaces (RFC 6749 §3.3) or an array, has all that is needed. */
function scoped(verdict: Accepted, needed: readonly string[], gate: OpenGate): Verdict {
  const claim = verdict.claims[gate.realmNamed(verdict.realm).scopeClaim]
  const granted: unknown[] = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : []
  return needed.every((scope) => granted.includes(scope)) ? verdict : { ...refused('insufficient_scope'), scope: [...needed] }
}

/** Once the host has said what it finds of the signature. */
async function landed<C extends Claims>(gate: OpenGate, flight: Flight, token: string, host: ExecutionContextLike): Promise<Verdict<C>> {
  const found = flight.land(await flight.outcome)
  return judgeAtOnce<C>(gate, found, token) ?? judge<C>(gate, found, token, forgiving(host))
}

/** One promise of what is there at once or is promised already; what is thrown rejects it. */
function promised<T>(answer: () => T | Promise<T>): Promise<T> {
  try {
    return Promise.resolve(answer())
  } catch (error) {
    return Promise.reject(error)
  }
}

function applyFeed(gate: OpenGate, bytes: Uint8Array): FeedApplied {
  if (!(bytes instanceof Uint8Array)) throw new PortcullisError('feed_refused', 'the message must be a Uint8Array', { detail: 'not_bytes' })
  const { realm } = gate.peekFeed(bytes)
  const { effect } = realm.apply(bytes)
  void realm.acknowledge()
  return { realm: realm.name, sequence: realm.state.sequence, changed: effect === 'changed' || effect === 'partial' }
}

async function refresh(gate: OpenGate, name: string | undefined): Promise<void> {
  gate.mustBeOpen()
  const realms = name === undefined ? gate.realms : [gate.realmNamed(name)]
  await Promise.all(realms.flatMap((realm) => [realm.feed.refresh(), realm.keys?.refresh()]))
}

function status(gate: OpenGate): Status[] {
  gate.mustBeOpen()
  const now = gate.now()
  return gate.realms.map((realm) => {
    const { loaded, sequence, hasKeys, tokenIds, epochs, sectionBytes, liveEntries, errorRate } = realm.currentState()
    const ageSeconds = loaded ? realm.ageSeconds(now) : undefined
    return { realm: realm.name, loaded, sequence, ageSeconds, keys: hasKeys, tokenIds, epochs, sectionBytes, liveEntries, errorRate }
  })
}
