import { PortcullisError } from '../errors.ts'
import type { Reason } from '../reasons.ts'
import { AuditLog } from './audit/log.ts'
import { AuditBounds } from './recording/audit-bounds.ts'
import { systemClock } from './clock.ts'
import { ROUTES } from './http/all-routes.ts'
import { ClientRegistry } from './http/clients.ts'
import type { LedgerCore, TokenSubject } from './core/ledger.ts'
import { EdgeRegistry } from './feed/edge-registry.ts'
import { enforced } from './service/enforcement.ts'
import { createRequestHandler } from './http/handler.ts'
import { FailureLimiter } from './http/failure-limiter.ts'
import { RealmFeed } from './feed/realm-feed.ts'
import { OriginGate } from './gate/gate.ts'
import { onCoreFault } from './core/module.ts'
import { IssuerClock } from './gate/issuer-clock.ts'
import { KeyPublisher } from './service/key-publisher.ts'
import { Committer } from './recording/committer.ts'
import { openLedgers } from './recording/load-ledgers.ts'
import { Metrics } from './metrics/metrics.ts'
import { Pusher } from './feed/pusher.ts'
import { Readers } from './feed/readers.ts'
import { createRevocations } from './service/revocations.ts'
import { publicKeyOf, rotateSigningKey } from './service/rotation.ts'
import { resolveOriginSettings, type Settings } from './settings.ts'
import { TokenRevocations } from './service/token-revocation.ts'
import type { Origin, OriginStatus, RequestSource } from './api.ts'
import type { OriginOptions } from './options.ts'
import { UnknownTokens } from './service/unknown-tokens.ts'

/** How long requests under way may go on after `close`; a revocation takes milliseconds. */
const CLOSE_TIMEOUT_MS = 2_000

/**
 * Opens the store, restores every realm's ledger and starts to publish. Rejects with `invalid_option`, `invalid_jwks`,
 * `store_locked`, `store_unavailable`, `store_corrupt` or `store_newer`; then nothing is left open.
 */
export async function createOrigin(options: OriginOptions): Promise<Origin> {
  const { clients, ...settings } = resolveOriginSettings(options)
  await settings.store.open()
  try {
    return await start(settings, new ClientRegistry(clients))
  } catch (error) {
    await settings.store.close()
    throw error
  }
}

async function start(settings: Settings, clients: ClientRegistry): Promise<Origin> {
  const clock = systemClock()
  const ledgers = await openLedgers(settings)
  const { heartbeatSeconds: renewSeconds, validForSeconds } = settings
  const sequenceOf = (delta: Uint8Array): number => gate.sequenceOf(delta)
  const feeds = new Map([...ledgers].map(([name, ledger]) => [name, new RealmFeed({ name, ledger, clock, renewSeconds, validForSeconds, sequenceOf })]))
  const { silentAfterSeconds, skewSeconds, onReport } = settings
  const issuerClocks = new Map(
    settings.realms.map(({ name, issuerSkewSeconds }) => [name, new IssuerClock({ realm: name, issuerSkewSeconds, skewSeconds, onReport })]),
  )
  const gate: OriginGate = new OriginGate({ settings, feeds, publicKey: publicKeyOf(settings.signingKey), clock, issuerClocks })
  const edges = new EdgeRegistry({ edges: settings.edges, realms: feeds, silentAfterSeconds, skewSeconds, clock, onReport })
  const pushers = settings.edges.flatMap(({ name, pushUrl, ackSecret }) =>
    pushUrl === undefined
      ? []
      : [
          new Pusher({
            edge: name,
            url: new URL(pushUrl),
            secret: ackSecret,
            feeds: [...feeds.values()],
            book: edges,
            heartbeatSeconds: settings.heartbeatSeconds,
            timeoutMs: settings.pushTimeoutMs,
            fetch: settings.fetch,
            onReport: settings.onReport,
          }),
        ],
  )
  const fault = (cause: unknown, message: string): void =>
    settings.onReport({ kind: 'fault', error: new PortcullisError('fault', message, { cause }) })

  const metrics = new Metrics([...ledgers.keys()])
  const bounds = new AuditBounds({ realms: [...ledgers.keys()] })
  const committer = new Committer({
    store: settings.store,
    bounds,
    ledgers,
    clock,
    auditRetentionSeconds: settings.auditRetentionSeconds,
    issuerLeadSeconds: (realm) => issuerClocks.get(realm)?.leadSeconds ?? 0,
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
  // When it fails, the store has been reported already.
  const summarize = (): Promise<void> => audit.summarize().catch(() => undefined)

  const keyFeed = new KeyPublisher({ settings, committer, gate, ledger: ledgerOf })
  const tokens = new TokenRevocations({
    committer,
    gate,
    ledger: ledgerOf,
    onExhausted: (realm, error) => settings.onReport({ kind: 'jwks', realm, error }),
  })

  /** What was pruned under smaller bounds must not be accepted under wider ones: the ledger remembers which were in force. */
  const recordBounds = async (): Promise<void> => {
    await Promise.all([...ledgers.keys()].map((realm) => committer.record(realm, { kind: 'bounds' })))
  }

  const heartbeat = every(settings.heartbeatSeconds, () => {
    for (const feed of feeds.values()) feed.heartbeat()
    edges.watch()
    for (const issuerClock of issuerClocks.values()) issuerClock.tend()
    keyFeed.tend()
  })
  const pruning = every(settings.pruneIntervalSeconds, async () => {
    await summarize()
    await committer.prune()
    await recordBounds()
  })
  /** What the ledgers hold is lost, and must not be made up silently: the origin has to be started again. */
  const forgetCore = onCoreFault((error) => {
    forgetCore()
    clearInterval(heartbeat)
    clearInterval(pruning)
    committer.fail(error)
    settings.onReport({ kind: 'fault', error })
  })

  function every(seconds: number, work: () => void | Promise<void>): ReturnType<typeof setInterval> {
    const run = async (): Promise<void> => work()
    const timer = setInterval(() => void run().catch((cause: unknown) => fault(cause, 'what is done at intervals failed')), seconds * 1000)
    if (typeof timer === 'object') timer.unref?.()
    return timer
  }

  let closing: Promise<void> | undefined
  async function close(): Promise<void> {
    forgetCore()
    clearInterval(heartbeat)
    clearInterval(pruning)
    keyFeed.close()
    gate.endLooks()
    for (const feed of feeds.values()) feed.drain()
    edges.close()
    await handler.idle(CLOSE_TIMEOUT_MS)
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
    if (ledger === undefined) throw new PortcullisError('unknown_realm', 'no such realm here')
    return ledger
  }

  const origin: Origin = {
    ...createRevocations({ settings, committer, gate, tokens, clock, ledger: ledgerOf, onFault: fault }),
    async publishKeys(realm, act) {
      ledgerOf(realm)
      return keyFeed.publish(realm, act)
    },
    async rotateSigningKey(signingKey, act) {
      if (closing !== undefined) throw closed()
      await rotateSigningKey({ gate, ledgers, feeds, audit }, signingKey, act)
    },
    refuses: (realm: string, subject: TokenSubject) => ledgerOf(realm).refuses(subject) as Reason | undefined,
    userNotBefore: (realm: string, sub: string) => ledgerOf(realm).userNotBefore(sub),
    minimumVersion: (realm: string, sub: string) => ledgerOf(realm).minimumVersion(sub),
    async enforced(recorded, options) {
      ledgerOf(recorded.realm)
      return enforced(edges, recorded, options)
    },
    bans: (realm: string, thumbprint: string) => ledgerOf(realm).bans(thumbprint),
    status: (): OriginStatus[] => [...feeds.keys()].map((realm) => ({ realm, ...ledgerOf(realm).head(), policy: gate.policy(realm), edges: edges.status(realm) })),
    audit,
    fetch: (request: Request, source: RequestSource = {}): Promise<Response> => handler.respond(request, source),
    close: () => (closing ??= close()),
  }
  const failures = new FailureLimiter(settings.maxFailuresPerMinute)
  const unknownTokens = new UnknownTokens({ metrics, onReport: settings.onReport })
  const readers = new Readers({ maxWaitingPerAddress: settings.maxWaitingPerAddress })
  const parts = { settings, clock, issuerClocks, gate, keyFeed, tokens, committer, ledgers, audit, feeds, edges, clients, failures, metrics, readers, unknownTokens }
  const handler = createRequestHandler({ context: { ...parts, origin }, routes: ROUTES, closing: () => closing !== undefined, onFault: fault })
  // A store that fails has been reported. It is told again when there is something to prune; until then nothing is widened.
  await recordBounds().catch(() => undefined)
  await keyFeed.begin()
  const pushing = pushers.map((pusher) => pusher.run())
  return origin
}

function closed(): PortcullisError {
  return new PortcullisError('closed', 'the origin is closed')
}
