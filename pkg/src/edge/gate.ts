import { bearerToken, challenge } from '../http/bearer.ts'
import { PortcullisError } from '../errors.ts'
import type {
  Accepted, AuthenticateOptions, Check, CheckOptions, CheckSyncOptions, Claims, EnvOption, ExecutionContextLike, FeedApplied, Gate,
  GateOptions, HostOptions, Status, Verdict, WaitUntil,
} from '../types.ts'
import { type CallKind, checkCall, NO_OPTIONS, scopeOf } from './call-options.ts'
import type { Finding } from './core/core.ts'
import { judge, tryJudge } from './judge.ts'
import type { CachedVerdict } from './token-cache.ts'
import { PendingSignature, type OpenGate } from './open-gate.ts'
import { GatesByEnv } from './gates-by-env.ts'
import { protect } from './protect.ts'
import { receiveFeed } from './receive.ts'
import { grantsScopes } from './scope.ts'
import { refused, verdictOf } from './verdict.ts'

/**
 * Makes a gate. It does nothing until its first use, so it may stand at module scope. Options may be a function of a
 * worker's `env`, called once for each `env`. Throws `invalid_option` at once for options given as they are; else the first
 * use does.
 */
export function createGate<Env = unknown>(options: GateOptions | ((env: Env) => GateOptions)): Gate<Env> {
  const opening = new GatesByEnv<Env>(options)

  /** `scope` must have been checked. */
  function authenticated(request: Request, env: Env | undefined, scope: readonly string[], host: ExecutionContextLike): Verdict | Promise<Verdict> {
    const presented = bearerToken(request.headers)
    if (presented.kind === 'nothing') return refused('missing_token')
    if (presented.token === '') return refused('malformed')
    return judged(opening.open(env), presented.token, scope, host)
  }

  function check<C extends Claims = Claims>(token: unknown, options: CheckOptions<Env> = NO_OPTIONS): Promise<Verdict<C>> {
    return promised(() => {
      checkCall(options, 'check')
      return judged<C>(opening.open(options.env), token, scopeOf(options), options)
    })
  }

  function checkSync<C extends Claims = Claims>(token: unknown, options: CheckSyncOptions<Env> = NO_OPTIONS): Verdict<C> {
    checkCall(options, 'checkSync')
    const scope = scopeOf(options)
    const gate = opening.open(options.env)
    if (typeof token !== 'string' || token === '') return refused(isAbsent(token) ? 'missing_token' : 'malformed')
    const found = gate.find(token)
    if (found.undecided && !gate.asksHostAtOnce) mustNotNeedHost(gate, token)
    const verdict = verdictOf<C>(found, gate.realmOf(found), token)
    return verdict.ok && scope.length > 0 ? scoped(verdict, scope, gate) : verdict
  }

  function authenticate(request: Request, options: AuthenticateOptions<Env> = NO_OPTIONS): Promise<Verdict> {
    return promised(() => {
      checkCall(options, 'check')
      return authenticated(request, options.env, scopeOf(options), options)
    })
  }

  async function explain(token: unknown, options: HostOptions<Env> = NO_OPTIONS): Promise<Check[]> {
    const gate = gateFor(options, 'host')
    return gate.during(async () => {
      // The same fetches as for a verdict come first, so that it explains what a request would have got.
      await judged(gate, token, [], options)
      return gate.explain(typeof token === 'string' ? token : '')
    })
  }

  /** The gate that a call is for. Throws `invalid_option`, and what opening a gate throws. */
  function gateFor(options: EnvOption<Env>, kind: CallKind): OpenGate {
    checkCall(options, kind)
    return opening.open(options.env)
  }

  return {
    check,
    checkSync,
    authenticate,
    challenge,
    protect: (handler, options) => protect(authenticated, handler, options),
    explain,
    async receiveFeed(request, options = NO_OPTIONS) {
      const gate = gateFor(options, 'host')
      return gate.during(() => receiveFeed(gate, request, forgiving(options)))
    },
    applyFeed: (bytes, options = NO_OPTIONS) => applyFeed(gateFor(options, 'env'), bytes),
    async refresh(realm, options = NO_OPTIONS) {
      const gate = gateFor(options, 'env')
      return gate.during(() => refresh(gate, realm))
    },
    status(options = NO_OPTIONS) {
      checkCall(options, 'env')
      return opening.needs(options.env) ? [] : status(opening.open(options.env))
    },
    close: () => opening.close(),
  }
}

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

/** The same verdict, if the token's scope claim grants all that is needed. */
function scoped<C extends Claims>(verdict: Accepted<C>, needed: readonly string[], gate: OpenGate): Verdict<C> {
  const claim: unknown = verdict.claims[gate.realmNamed(verdict.realm).scopeClaim]
  return grantsScopes(claim, needed) ? verdict : { ...refused('insufficient_scope'), scope: [...needed] }
}

/** The verdict itself where nothing has to be awaited for it, as for nearly every request. `scope` must have been checked. */
function judged<C extends Claims>(
  gate: OpenGate,
  token: unknown,
  scope: readonly string[],
  host: ExecutionContextLike,
): Verdict<C> | Promise<Verdict<C>> {
  if (typeof token !== 'string' || token === '') return refused(isAbsent(token) ? 'missing_token' : 'malformed')
  const looked = gate.look(token)
  const atOnce = looked instanceof PendingSignature ? undefined : tryJudge<C>(gate, looked, token)
  if (atOnce === undefined) return judgedLater<C>(gate, looked, token, scope, host)
  return atOnce.ok && scope.length > 0 ? scoped(atOnce, scope, gate) : atOnce
}

/** The verdict once the host has said what it finds of the signature, or what the token needs has been fetched. */
async function judgedLater<C extends Claims>(
  gate: OpenGate,
  looked: Finding | CachedVerdict | PendingSignature,
  token: string,
  scope: readonly string[],
  host: ExecutionContextLike,
): Promise<Verdict<C>> {
  gate.enter()
  try {
    let found = looked
    while (found instanceof PendingSignature) found = gate.land(found, await found.outcome)
    const verdict = tryJudge<C>(gate, found, token) ?? (await judge<C>(gate, found, token, forgiving(host)))
    return verdict.ok && scope.length > 0 ? scoped(verdict, scope, gate) : verdict
  } finally {
    gate.leave()
  }
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
  return gate.realms.map((realm, index) => {
    const { loaded, sequence, hasKeys, tokenIds, epochs, sectionBytes, liveEntries, errorRate } = realm.currentState()
    const ageSeconds = loaded ? realm.ageSeconds(now) : undefined
    const policy = gate.core.policy(index)
    return { realm: realm.name, loaded, sequence, ageSeconds, keys: hasKeys, tokenIds, epochs, sectionBytes, liveEntries, errorRate, policy }
  })
}
