import { PortcullisError } from '../errors.ts'
import { challenge } from '../http/bearer.ts'
import { refused } from '../http/refusal.ts'
import { checkOptions } from '../options.ts'
import type {
  AccessOptions,
  AuthenticateOptions,
  Authenticator,
  Check,
  CheckOptions,
  CheckSyncOptions,
  Claims,
  EnvOption,
  ExecutionContextLike,
  AnyGateOptions,
  FeedApplied,
  Gate,
  GateOptions,
  HostOptions,
  RequestLike,
  Status,
  Verdict,
  WaitUntil,
} from '../types.ts'
import { admit } from './access/admission.ts'
import { type Access, ACCESS_RULES, accessOf } from './access/settings.ts'
import { mustBeRequest } from './access/web-request.ts'
import { accessOfCall, BEARER, type CallKind, checkCall, NO_OPTIONS, NO_SCOPE, scopeOf } from './call-options.ts'
import type { Finding } from './core/finding.ts'
import { PendingSignature } from './core/pending-signature.ts'
import { withFormAdvice } from './form-advice.ts'
import { GatesByEnv } from './gates-by-env.ts'
import { judge, judgeSync, tryJudge } from './judge.ts'
import { withKeycloakAdvice } from './keycloak-advice.ts'
import type { OpenGate } from './open-gate.ts'
import { protect } from './protect.ts'
import { receiveFeed } from './receive.ts'
import type { CachedVerdict } from './token-cache.ts'
import { isSettled } from './verdict.ts'

/**
 * Creates a gate. It does nothing until its first use, so it may be created at module scope. Options may be a function
 * of a worker's `env`, called once for each `env`. Throws `invalid_option` immediately if options are an object;
 * otherwise the first use does.
 */
export function createGate<Env = unknown>(options: AnyGateOptions | ((env: Env) => AnyGateOptions)): Gate<Env>
// Compilers report errors against the last overload: the usual one.
export function createGate<Env = unknown>(options: GateOptions | ((env: Env) => GateOptions)): Gate<Env>
export function createGate<Env = unknown>(options: AnyGateOptions | ((env: Env) => AnyGateOptions)): Gate<Env> {
  const gates = new GatesByEnv<Env>(options)

  // The checks of options are skipped for the shared NO_OPTIONS: with a cached token their cost is measurable.
  function check<C extends Claims = Claims>(
    token: unknown,
    options: CheckOptions<Env> = NO_OPTIONS,
  ): Promise<Verdict<C>> {
    return asPromise(() => {
      const { loading } = gates
      if (loading !== undefined) return loading.then(() => check<C>(token, options))
      if (options === NO_OPTIONS) return checkToken<C>(gates.open(), token, NO_SCOPE, options)
      checkCall(options, 'check')
      return checkToken<C>(gates.open(options.env), token, scopeOf(options), options)
    })
  }

  function checkSync<C extends Claims = Claims>(
    token: unknown,
    options: CheckSyncOptions<Env> = NO_OPTIONS,
  ): Verdict<C> {
    if (options === NO_OPTIONS) return checkTokenSync<C>(gates.open(), token, NO_SCOPE)
    checkCall(options, 'checkSync')
    return checkTokenSync<C>(gates.open(options.env), token, scopeOf(options))
  }

  function authenticate<C extends Claims = Claims>(
    request: RequestLike,
    options: AuthenticateOptions<Env, C> = NO_OPTIONS,
  ): Promise<Verdict<C>> {
    return asPromise(() => {
      mustBeRequest(request)
      if (options === NO_OPTIONS) return authenticateBy<C>(BEARER, request, undefined, options)
      checkCall(options, 'authenticate')
      return authenticateBy<C>(accessOfCall(options), request, options.env, options)
    })
  }

  function authenticator<C extends Claims = Claims>(options: AccessOptions<C> = NO_OPTIONS): Authenticator<Env, C> {
    checkOptions(options, ACCESS_RULES)
    const access = accessOf(options)
    return (request, host = NO_OPTIONS) =>
      asPromise(() => {
        checkCall(host, 'waitUntil')
        mustBeRequest(request)
        return authenticateBy(access, request, host.env, host)
      })
  }

  /** Authenticates a Web request. */
  function authenticateBy<C extends Claims>(
    access: Access<C>,
    request: RequestLike,
    env: Env | undefined,
    ctx: ExecutionContextLike,
  ): Verdict<C> | Promise<Verdict<C>> {
    const token = access.token(request)
    if (typeof token !== 'string') return token
    const { loading } = gates
    if (loading !== undefined) return loading.then(() => authenticateBy<C>(access, request, env, ctx))
    const gate = gates.open(env)
    const { scope, permission } = access
    if (permission === undefined) return checkToken<C>(gate, token, scope, ctx)
    const verdict = admit(() => checkToken<C>(gate, token, scope, ctx), permission)
    return isSettled(verdict) ? verdict : gate.during(() => verdict)
  }

  async function explain(token: unknown, options: HostOptions<Env> = NO_OPTIONS): Promise<Check[]> {
    const gate = await loadedGateFor(options, 'waitUntil')
    return gate.during(async () => {
      // Checks the token first, including fetches, so that the explanation matches the verdict that a request would
      // get.
      await checkToken(gate, token, NO_SCOPE, options)
      const text = typeof token === 'string' ? token : ''
      const checks = withKeycloakAdvice(
        withFormAdvice(await gate.explain(text), text),
        text,
        gate.realms.map(({ token }) => token),
      )
      return gate.directory?.explained(checks, text) ?? checks
    })
  }

  /** Returns the gate that a call is for. Throws `invalid_option`, and the errors of opening a gate. */
  function gateFor(options: EnvOption<Env>, kind: CallKind): OpenGate {
    checkCall(options, kind)
    return gates.open(options.env)
  }

  /** Like `gateFor`, once the wasm module is loaded. */
  async function loadedGateFor(options: EnvOption<Env>, kind: CallKind): Promise<OpenGate> {
    checkCall(options, kind)
    await gates.loading
    return gates.open(options.env)
  }

  /** Reports a problem of a handler's options, such as a function that failed. */
  function reportOptions(error: PortcullisError, env: Env | undefined): void {
    try {
      gates.open(env).reports.options(error)
    } catch {
      // A gate that cannot be opened fails the requests that need it.
    }
  }

  return {
    check,
    checkSync,
    authenticate,
    challenge,
    authenticator,
    protect: (handler, options) => protect({ authenticate: authenticateBy, reportOptions }, handler, options),
    explain,
    async receiveFeed(request, options = NO_OPTIONS) {
      const gate = await loadedGateFor(options, 'waitUntil')
      return gate.during(() => receiveFeed(gate, request, safeWaitUntil(options)))
    },
    applyFeed: (bytes, options = NO_OPTIONS) => applyFeed(gateFor(options, 'env'), bytes),
    async refresh(realm, options = NO_OPTIONS) {
      const gate = await loadedGateFor(options, 'env')
      return gate.during(() => refresh(gate, realm))
    },
    status(options = NO_OPTIONS) {
      checkCall(options, 'env')
      return gates.lacksEnv(options.env) ? [] : status(gates.open(options.env))
    },
    close: () => gates.close(),
  }
}

/** Returns the verdict by the state loaded now. `scope` must have been validated. */
function checkTokenSync<C extends Claims>(gate: OpenGate, token: unknown, scope: readonly string[]): Verdict<C> {
  if (typeof token !== 'string' || token === '') return refused(isAbsent(token) ? 'missing_token' : 'malformed')
  const finding = gate.inspectSync(token)
  if (finding.undecided && !gate.hasSyncHost) mustNotNeedHost(gate, token)
  return judgeSync<C>(gate, finding, token, scope)
}

/** Throws `host_crypto_needed` for a token that only the host can verify, because no verdict on it is possible. */
function mustNotNeedHost(gate: OpenGate, token: string): void {
  const algorithm = gate.core.hostNeeded(token, gate.now())
  if (algorithm === undefined) return
  const message = `${algorithm} is left to the host by the slim module, and the host has no synchronous cryptography: use check`
  throw new PortcullisError('host_crypto_needed', message, { detail: algorithm })
}

function isAbsent(token: unknown): boolean {
  return token === undefined || token === null || token === ''
}

/** Wraps `waitUntil`: if it throws (detached from its object, or called too late), the request must not fail. */
function safeWaitUntil(ctx: ExecutionContextLike): WaitUntil | undefined {
  if (ctx.waitUntil === undefined) return undefined
  return (promise) => {
    try {
      // Called on its context, as workerd requires.
      ctx.waitUntil?.(promise)
    } catch {
      // The work continues, but the runtime does not wait for it.
    }
  }
}

/**
 * Returns the verdict itself if nothing must be awaited, as for nearly every request. `scope` must have been validated.
 */
function checkToken<C extends Claims>(
  gate: OpenGate,
  token: unknown,
  scope: readonly string[],
  ctx: ExecutionContextLike,
): Verdict<C> | Promise<Verdict<C>> {
  if (typeof token !== 'string' || token === '') return refused(isAbsent(token) ? 'missing_token' : 'malformed')
  const inspected = gate.inspect(token)
  const verdict = inspected instanceof PendingSignature ? undefined : tryJudge<C>(gate, inspected, token, scope)
  return verdict ?? checkTokenLater<C>(gate, inspected, token, scope, ctx)
}

/**
 * Resolves to the verdict once the host has verified the signature and everything that the token needs has been
 * fetched.
 */
async function checkTokenLater<C extends Claims>(
  gate: OpenGate,
  inspected: Finding | CachedVerdict | PendingSignature,
  token: string,
  scope: readonly string[],
  ctx: ExecutionContextLike,
): Promise<Verdict<C>> {
  gate.enter()
  try {
    let finding = inspected
    while (finding instanceof PendingSignature) finding = gate.afterSignature(finding, await finding.outcome)
    return tryJudge<C>(gate, finding, token, scope) ?? (await judge<C>(gate, finding, token, scope, safeWaitUntil(ctx)))
  } finally {
    gate.leave()
  }
}

/** Returns a promise of the result; an exception rejects it. */
function asPromise<T>(compute: () => T | Promise<T>): Promise<T> {
  try {
    return Promise.resolve(compute())
  } catch (error) {
    return Promise.reject(error)
  }
}

function applyFeed(gate: OpenGate, bytes: Uint8Array): FeedApplied {
  if (!(bytes instanceof Uint8Array))
    throw new PortcullisError('feed_refused', 'the message must be a Uint8Array', { detail: 'not_bytes' })
  const { feed } = gate.peekFeed(bytes)
  const { effect } = feed.apply(bytes)
  void feed.acknowledge()
  return { realm: feed.name, sequence: feed.state.sequence, changed: effect === 'changed' || effect === 'partial' }
}

async function refresh(gate: OpenGate, name: string | undefined): Promise<void> {
  gate.mustBeOpen()
  const realms = name === undefined ? gate.realms : [gate.realmNamed(name)]
  const { directory } = gate
  // If too many requests are already waiting, those keep the realm loaded.
  const entered = realms.flatMap(({ place }) => (place !== undefined && directory?.enter(place) ? [place] : []))
  try {
    await Promise.all(realms.flatMap(({ feed, keys }) => [feed?.puller.refresh(), keys?.refresh()]))
  } finally {
    for (const place of entered) directory?.leave(place)
  }
}

function status(gate: OpenGate): Status[] {
  gate.mustBeOpen()
  const now = gate.now()
  return gate.realms.map((realm) => {
    const state = realm.currentState()
    const { loaded, minor, sequence, tokenIds, epochs, sectionBytes, liveEntries, errorRate, policyDifferences } = state
    return {
      realm: realm.name,
      revocation: realm.feed === undefined ? 'unchecked' : 'checked',
      loaded,
      sequence,
      ageSeconds: loaded ? realm.ageSeconds(now) : undefined,
      keys: state.hasKeys,
      skippedKeys: [...realm.skippedKeys],
      tokenIds,
      epochs,
      sectionBytes,
      liveEntries,
      errorRate,
      policy: gate.core.policy(realm.index),
      policyAgreement: loaded ? state.policy : undefined,
      policyDifferences,
      minor,
    }
  })
}
