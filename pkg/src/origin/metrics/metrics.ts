import { VERSION } from '../../version.ts'
import type { LedgerEvent, LedgerStats } from '../core/ledger.ts'
import { Counter, Gauge, Histogram } from './instruments.ts'
import { type Family, openMetricsText, type Sample } from './openmetrics.ts'
import type { EdgeStatus } from '../api.ts'
import type { ConnectorMetrics } from '../connectors/connector-metrics.ts'

/** Upper bounds of the commit histogram: a fast disk flushes in a millisecond or two, a slow one in tens. */
const COMMIT_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] as const

/** Every kind of event, so that each counter exists, at zero, before its first event. */
const KINDS: Readonly<Record<LedgerEvent['kind'], true>> = {
  token: true,
  session: true,
  clientSession: true,
  user: true,
  grant: true,
  client: true,
  realm: true,
  keyBanned: true,
  keyNotBefore: true,
  tokenVersion: true,
  keys: true,
  keysWithdrawn: true,
  correction: true,
  bounds: true,
}

const EDGE_STATES = ['current', 'behind', 'silent', 'unheard'] as const satisfies EdgeStatus['state'][]

/** Counters of the running origin. Labels are routes, realms and fixed strings, so their number is small. */
export class Metrics {
  readonly #revocations = new Counter()
  readonly #requests = new Counter()
  readonly #refusals = new Counter()
  readonly #unknownTokens = new Counter()
  readonly #commits = new Histogram(COMMIT_BUCKETS_SECONDS)
  readonly #polls = new Counter()
  readonly #lags = new Gauge()
  readonly #waiting = new Gauge()

  constructor(realms: readonly string[]) {
    for (const realm of realms) for (const kind of Object.keys(KINDS)) this.#revocations.add({ realm, kind }, 0)
    for (const realm of realms) this.#unknownTokens.add({ realm }, 0)
  }

  /** Counts a token that a client asked to revoke and that is not known here. */
  unknownToken(realm: string): void {
    this.#unknownTokens.add({ realm }, 1)
  }

  /** Returns the metrics of a connector. */
  ofConnector(labels: { realm: string; connector: string }): ConnectorMetrics {
    return {
      polled: (source, outcome) => this.#polls.add({ ...labels, source, outcome }, 1),
      lag: (source, seconds) => this.#lags.set({ ...labels, source }, seconds),
      waiting: (messages) => this.#waiting.set(labels, messages),
    }
  }

  /** Counts a durable batch of the committer. */
  committed({
    milliseconds,
    recorded,
  }: {
    milliseconds: number
    recorded: readonly { realm: string; kind: string }[]
  }): void {
    this.#commits.observe(milliseconds / 1000)
    for (const { realm, kind } of recorded) this.#revocations.add({ realm, kind }, 1)
  }

  /** Counts an answered request; `route` is a pattern and `error` the error code of the response. */
  responded({
    method,
    route,
    status,
    error,
  }: {
    method: string
    route: string
    status: number
    error: string | undefined
  }): void {
    this.#requests.add({ route, method, status: String(status) }, 1)
    if (error !== undefined) this.#refusals.add({ route, error }, 1)
  }

  families(): Family[] {
    return [
      {
        name: 'portcullis_revocations',
        type: 'counter',
        help: 'Events recorded in the ledger. Events already in force are not counted again.',
        samples: this.#revocations.samples(),
      },
      {
        name: 'portcullis_store_commit_seconds',
        type: 'histogram',
        unit: 'seconds',
        help: 'How long the store took to make one group of events durable.',
        samples: this.#commits.samples(),
      },
      {
        name: 'portcullis_requests',
        type: 'counter',
        help: 'Requests answered, by route pattern.',
        samples: this.#requests.samples(),
      },
      {
        name: 'portcullis_refusals',
        type: 'counter',
        help: 'Requests refused, by route pattern and error code.',
        samples: this.#refusals.samples(),
      },
      {
        name: 'portcullis_unknown_tokens',
        type: 'counter',
        help: 'Unknown tokens that clients asked to revoke (RFC 7009): answered with 200, and not revoked.',
        samples: this.#unknownTokens.samples(),
      },
      {
        name: 'portcullis_connector_polls',
        type: 'counter',
        help: 'Polls of identity servers, by source and outcome.',
        samples: this.#polls.samples(),
      },
      {
        name: 'portcullis_connector_lag_seconds',
        type: 'gauge',
        unit: 'seconds',
        help: 'How far reading a source of an identity server lags.',
        samples: this.#lags.samples(),
      },
      {
        name: 'portcullis_connector_waiting',
        type: 'gauge',
        help: 'Messages waiting to be sent to an identity server.',
        samples: this.#waiting.samples(),
      },
    ]
  }
}

/** One realm's gauges. */
interface RealmMeasurements {
  realm: string
  /** The head of its ledger. */
  sequence: number
  stats: LedgerStats
  issuerLeadSeconds: number
  edges: readonly EdgeStatus[]
}

/** One scrape's figures, besides the counts. */
export interface Measurements {
  /** The origin's time, in unix seconds. */
  now: number
  realms: readonly RealmMeasurements[]
}

/** Returns all measurements in the OpenMetrics 1.0 text format. */
export function measure(metrics: Metrics, { now, realms }: Measurements): string {
  const ofRealms = (value: (measured: RealmMeasurements) => number): Sample[] =>
    realms.map((measured) => ({ labels: { realm: measured.realm }, value: value(measured) }))
  const edges = realms.flatMap(({ realm, edges }) =>
    edges.map((edge) => ({ edge, labels: { realm, edge: edge.name } })),
  )
  const gauge = (name: string, help: string, samples: Sample[], unit?: string): Family => ({
    name,
    type: 'gauge',
    help,
    samples,
    ...(unit === undefined ? {} : { unit }),
  })
  return openMetricsText([
    {
      name: 'portcullis_build',
      type: 'info',
      help: 'The running version.',
      samples: [{ suffix: '_info', labels: { version: VERSION }, value: 1 }],
    },
    gauge('portcullis_clock_timestamp_seconds', "The origin's time.", [{ value: now }], 'seconds'),
    gauge(
      'portcullis_issuer_lead_seconds',
      "How far the realm's issuer has been measured to be ahead of the origin, rounded up.",
      ofRealms(({ issuerLeadSeconds }) => issuerLeadSeconds),
      'seconds',
    ),
    gauge(
      'portcullis_sequence',
      "The head of the realm's ledger.",
      ofRealms(({ sequence }) => sequence),
    ),
    gauge(
      'portcullis_token_ids',
      'Revoked token ids that are still stored.',
      ofRealms(({ stats }) => stats.tokenIds),
    ),
    gauge(
      'portcullis_epochs',
      'Not-befores of users, sessions and client sessions that are still stored.',
      ofRealms(({ stats }) => stats.epochs),
    ),
    gauge(
      'portcullis_grants',
      'Not-befores of grants (one client of one user) that are still stored.',
      ofRealms(({ stats }) => stats.grants),
    ),
    gauge(
      'portcullis_key_not_befores',
      'Keys with a not-before; the feed carries at most 4096.',
      ofRealms(({ stats }) => stats.keyNotBefores),
    ),
    gauge(
      'portcullis_filter_fill_ratio',
      'How full the fullest filter of token ids is: at 1 it has its configured error rate; above, it is rebuilt larger.',
      ofRealms(({ stats }) => stats.filterFill),
    ),
    gauge(
      'portcullis_section_bytes',
      'The size of the state that a new edge fetches.',
      ofRealms(({ stats }) => stats.sectionBytes),
      'bytes',
    ),
    gauge(
      'portcullis_edges',
      'Edges by state: at the head (current), behind it, silent for too long, or unheard since the start.',
      realms.flatMap(({ realm, edges }) =>
        EDGE_STATES.map((state) => ({
          labels: { realm, state },
          value: edges.filter((edge) => edge.state === state).length,
        })),
      ),
    ),
    gauge(
      'portcullis_edge_lag',
      'Number of events that an edge has not acknowledged.',
      edges.flatMap(({ labels, edge }) => (edge.behindBy === undefined ? [] : [{ labels, value: edge.behindBy }])),
    ),
    gauge(
      'portcullis_edge_acknowledged_timestamp_seconds',
      'When the edge last acknowledged.',
      edges.flatMap(({ labels, edge }) =>
        edge.acknowledgedAt === undefined ? [] : [{ labels, value: edge.acknowledgedAt }],
      ),
      'seconds',
    ),
    ...metrics.families(),
  ])
}
