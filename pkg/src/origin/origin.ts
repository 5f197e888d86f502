import { PortcullisError } from '../errors.ts'
import type { Origin } from './api.ts'
import { AuditLog } from './audit/log.ts'
import { secondsOf } from './clock.ts'
import type { LedgerCore } from './core/ledger.ts'
import { onCoreFault } from './core/module.ts'
import { connectAll } from './connections.ts'
import { GlobalTokenRevocations } from './connectors/global-token-revocation/receiver.ts'
import type { Forwarder } from './connectors/forwarder.ts'
import type { RevocationEndpoint } from './connectors/revocation-endpoint.ts'
import { EdgeRegistry } from './feed/edge-registry.ts'
import { Pusher } from './feed/pusher.ts'
import { Readers } from './feed/readers.ts'
import { RealmFeed } from './feed/realm-feed.ts'
import { OriginGate } from './gate/gate.ts'
import { IssuerClock } from './gate/issuer-clock.ts'
import { ROUTES } from './http/all-routes.ts'
import { ClientRegistry } from './http/clients.ts'
import { OriginCors } from './http/cors.ts'
import { FailureLimiter } from './http/failure-limiter.ts'
import { createRequestHandler } from './http/handler.ts'
import { Metrics } from './metrics/metrics.ts'
import type { OriginOptions } from './options.ts'
import { AuditBounds } from './recording/audit-bounds.ts'
import { Committer } from './recording/committer.ts'
import { openLedgers } from './recording/load-ledgers.ts'
import { KeyPublisher } from './service/key-publisher.ts'
import { createOperations } from './service/operations.ts'
import { Recorder } from './service/recorder.ts'
import { publicKeyOf } from './service/rotation.ts'
import { createService } from './service/service.ts'
import { SubjectIssuers } from './service/subject-issuers.ts'
import { TokenRevocations } from './service/token-revocation.ts'
import { UnknownTokens } from './service/unknown-tokens.ts'
import { Upstream } from './service/upstream.ts'
import { resolveOriginSettings, type Settings } from './settings.ts'
import type { JWKS } from '../types.ts'

/** How long requests in progress may continue after `close`; a revocation takes milliseconds. */
const CLOSE_TIMEOUT_MS = 2_000

/**
 * Opens the store, restores every realm's ledger and starts publishing. Rejects with `invalid_option`, `invalid_jwks`,
 * `store_locked`, `store_unavailable`, `store_corrupt` or `store_newer`; then nothing is left open.
 */
export async function createOrigin(options: OriginOptions): Promise<Origin> {
  const { origin, start } = await buildOrigin(options)
  try {
    await start()
    return origin
  } catch (error) {
    await origin.close()
    throw error
  }
}

/** An origin whose parts are all built, before it sends or records anything. */
export interface BuiltOrigin {
  origin: Origin
  /** Starts recording, fetching, publishing and pushing. */
  start(): Promise<void>
  /** Fetches a realm's keys now. Rejects with `unknown_realm`, `jwks_unreachable` or `invalid_jwks`. */
  fetchKeys(realm: string): Promise<JWKS>
}

/** Builds everything that `createOrigin` builds, but sends nothing. Rejects like `createOrigin`. */
export async function buildOrigin(options: OriginOptions): Promise<BuiltOrigin> {
  const { clients, ...settings } = resolveOriginSettings(options)
  await settings.store.open()
  try {
    return await build(settings, new ClientRegistry(clients))
  } catch (error) {
    await settings.store.close()
    throw error
  }
}

async function build(settings: Settings, clients: ClientRegistry): Promise<BuiltOrigin> {
  const { nowMs } = settings
  const clock = secondsOf(nowMs)
  const ledgers = await openLedgers(settings)
  const { heartbeatSeconds: renewSeconds, validForSeconds } = settings
  const feeds = new Map(
    [...ledgers].map(([name, ledger]) => [name, new RealmFeed({ name, ledger, clock, renewSeconds, validForSeconds })]),
  )
  const { silentAfterSeconds, skewSeconds, onReport } = settings
  const issuerClocks = new Map(
    settings.realms.map(({ name, issuerSkewSeconds }) => [
      name,
      new IssuerClock({ realm: name, issuerSkewSeconds, skewSeconds, onReport, nowMs }),
    ]),
  )
  const gate = new OriginGate({ settings, feeds, publicKey: publicKeyOf(settings.signingKey), clock, issuerClocks })
  const edges = new EdgeRegistry({
    edges: settings.edges,
    realms: feeds,
    silentAfterSeconds,
    skewSeconds,
    clock,
    onReport,
  })
  const pushers = createPushers(settings, feeds, edges)
  const fault = (cause: unknown, message: string): void =>
    settings.onReport({ kind: 'fault', error: new PortcullisError('fault', message, { cause }) })

  const metrics = new Metrics([...ledgers.keys()])
  const bounds = new AuditBounds({ realms: [...ledgers.keys()] })
  const leadOf = (realm: string): number => issuerClocks.get(realm)?.leadSeconds ?? 0
  const committer = new Committer({
    store: settings.store,
    bounds,
    ledgers,
    clock,
    auditRetentionSeconds: settings.auditRetentionSeconds,
    issuerLeadSeconds: leadOf,
    onTime: (realm, time) => issuerClocks.get(realm)?.took(time),
    onCommitted(realm, after) {
      try {
        gate.sync(realm)
        feeds.get(realm)?.publish(after)
        for (const pusher of pushers) pusher.notify()
      } catch (cause) {
        fault(cause, `realm ${realm}: a change is recorded but could not be published`)
      }
    },
    onTurn: (turn) => metrics.committed(turn),
    onStore: (error) => settings.onReport({ kind: 'store', error }),
  })
  const audit = new AuditLog({ store: settings.store, committer, realms: [...ledgers.keys()], bounds })
  // A failing store has already been reported.
  const summarize = (): Promise<void> => audit.summarize().catch(() => undefined)

  const keyPublisher = new KeyPublisher({ settings, committer, gate, ledger: ledgerOf })
  /** The leads with which bounds were last recorded. */
  const recordedLeads = new Map<string, number>()
  /**
   * Records the bounds in force, including the measured lead of the issuer's clock. Tokens pruned under narrower bounds
   * must not be accepted under wider ones.
   */
  const recordBounds = async (realms: Iterable<string> = ledgers.keys()): Promise<void> => {
    await Promise.all(
      [...realms].map((realm) => {
        recordedLeads.set(realm, leadOf(realm))
        return committer.record(realm, { kind: 'bounds' })
      }),
    )
  }
  /** A failing store has already been reported, and the next pruning retries. */
  const recordChangedLeads = (): Promise<void> =>
    recordBounds([...ledgers.keys()].filter((realm) => recordedLeads.get(realm) !== leadOf(realm))).catch(
      () => undefined,
    )

  /** Periodic work. */
  const timers: ReturnType<typeof setInterval>[] = []
  const clearTimers = (): void => timers.splice(0).forEach(clearInterval)
  async function beat(): Promise<void> {
    for (const feed of feeds.values()) feed.heartbeat()
    edges.watch()
    for (const issuerClock of issuerClocks.values()) issuerClock.tend()
    keyPublisher.tend()
    await recordChangedLeads()
  }
  async function prune(): Promise<void> {
    await summarize()
    await committer.prune()
    await recordBounds()
  }
  /** The ledgers' state is lost and must not be rebuilt silently: the origin has to be restarted. */
  const forgetCore = onCoreFault((error) => {
    forgetCore()
    clearTimers()
    committer.fail(error)
    settings.onReport({ kind: 'fault', error })
  })

  function every(seconds: number, work: () => Promise<void>): void {
    const timer = setInterval(
      () => void work().catch((cause: unknown) => fault(cause, 'periodic work failed')),
      seconds * 1000,
    )
    if (typeof timer === 'object') timer.unref?.()
    timers.push(timer)
  }

  let closing: Promise<void> | undefined
  async function close(): Promise<void> {
    forgetCore()
    clearTimers()
    keyPublisher.close()
    gate.endLooks()
    for (const feed of feeds.values()) feed.drain()
    edges.close()
    await handler.idle(CLOSE_TIMEOUT_MS)
    await Promise.all([...connections.values()].flat().map((connection) => connection.close()))
    const summarized = summarize()
    await committer.close()
    await summarized
    for (const pusher of pushers) pusher.close()
    for (const feed of feeds.values()) feed.close()
    await Promise.all(pushing)
    gate.close()
    for (const ledger of ledgers.values()) ledger.free()
    await settings.store.close()
  }

  function ledgerOf(realm: string): LedgerCore {
    if (closing !== undefined) throw closed()
    const ledger = ledgers.get(realm)
    if (ledger === undefined) throw new PortcullisError('unknown_realm', 'unknown realm')
    return ledger
  }

  const forwarderOf = (realm: string): Forwarder | undefined =>
    connections.get(realm)?.find(({ forwarder }) => forwarder !== undefined)?.forwarder
  const upstream = new Upstream({ forwarder: forwarderOf, issuerClocks, skewSeconds })
  const issuers = new SubjectIssuers(settings.realms)
  const recorder = new Recorder({ committer, issuers, issuerClocks, upstream })
  const onExhausted = (realm: string, error: PortcullisError): void => onReport({ kind: 'jwks', realm, error })
  const tokens = new TokenRevocations({
    settings,
    gate,
    recorder,
    issuers,
    ledger: ledgerOf,
    onFault: fault,
    onExhausted,
  })
  const unknownTokens = new UnknownTokens({ count: (realm) => metrics.unknownToken(realm), onReport })
  const verbs = { recorder, tokens, issuers, unknownTokens, onFault: fault }
  const service = createService({
    ...verbs,
    settings,
    clock,
    gate,
    feeds,
    edges,
    audit,
    keyPublisher,
    ledger: ledgerOf,
  })
  const endpointOf = (realm: string): RevocationEndpoint | undefined =>
    connections.get(realm)?.find(({ revocation }) => revocation !== undefined)?.revocation
  const operations = createOperations({
    ...verbs,
    endpoint: endpointOf,
    service,
    settings,
    clock,
    issuerClocks,
    gate,
    committer,
    audit,
    keyPublisher,
    ledger: ledgerOf,
  })
  const connections = connectAll({ settings, service, gate, metrics, issuerClocks })
  const globalRevocations = new GlobalTokenRevocations(settings)
  const failures = new FailureLimiter(settings.maxFailuresPerMinute)
  const cors = new OriginCors({
    corsOrigins: settings.corsOrigins,
    credentials: 'omit',
    report: (error) => onReport({ kind: 'options', error }),
  })
  const readers = new Readers({ maxWaitingPerAddress: settings.maxWaitingPerAddress })
  const handler = createRequestHandler({
    context: {
      settings,
      service,
      operations,
      gate,
      audit,
      clients,
      cors,
      failures,
      feeds,
      edges,
      readers,
      connections,
      globalRevocations,
      metrics,
    },
    routes: ROUTES,
    closing: () => closing !== undefined,
    onFault: fault,
  })
  let pushing: Promise<void>[] = []
  async function start(): Promise<void> {
    every(settings.heartbeatSeconds, beat)
    every(settings.pruneIntervalSeconds, prune)
    // A failing store has been reported. The next pruning retries; until then no bound is widened.
    await recordBounds().catch(() => undefined)
    await keyPublisher.begin()
    pushing = pushers.map((pusher) => pusher.run())
    for (const connection of [...connections.values()].flat()) connection.start()
  }

  return {
    origin: {
      ...service,
      fetch: (request, source = {}) => handler.respond(request, source),
      close: () => (closing ??= close()),
    },
    start,
    async fetchKeys(realm) {
      await gate.reloadKeys(realm)
      return gate.keys(realm)
    },
  }
}

function createPushers(settings: Settings, feeds: ReadonlyMap<string, RealmFeed>, edges: EdgeRegistry): Pusher[] {
  const { heartbeatSeconds, pushTimeoutMs, fetch, onReport } = settings
  return settings.edges.flatMap(({ name, pushUrl, ackSecret }) => {
    if (pushUrl === undefined) return []
    const target = { edge: name, url: new URL(pushUrl), secret: ackSecret }
    return [
      new Pusher({
        ...target,
        feeds: [...feeds.values()],
        edges,
        heartbeatSeconds,
        timeoutMs: pushTimeoutMs,
        fetch,
        onReport,
      }),
    ]
  })
}

function closed(): PortcullisError {
  return new PortcullisError('closed', 'the origin is closed')
}
