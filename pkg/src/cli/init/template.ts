import type { JsonObject } from '../keycloak/json.ts'

/** One kind of identity server that `init` sets up. */
export interface Template {
  /** Describes the value of its option, the server's URL. */
  readonly help: string
  /** Asks the server for the public facts of a realm. Throws `UsageError` for an address that will not do. */
  discover(target: Target): Promise<Discovered>
  /** Sends nothing: the first request signs the administrator in. */
  administer(target: Target, administrator: Administrator): Administration
  /** The changes of an undo file. Throws `UsageError` if it holds anything else. */
  readChanges(written: unknown): readonly Change[]
}

export interface Target {
  readonly url: string
  /** The server's own name of the realm. */
  readonly realm: string
}

export interface Administrator {
  readonly name: string
  /** Kept in memory until the command ends, and written nowhere. */
  readonly password: string
}

/** The options of one run, read. */
export interface InitOptions {
  readonly realm: string
  /** The origin, as the identity server reaches it. */
  readonly origin: URL
  readonly audience: string
  /** The clients whose tokens are to have the audience. */
  readonly clients: readonly string[]
  /** Whether actions at the origin are to be forwarded to the identity server. */
  readonly forward: boolean
}

/** The parts of `portcullis.json` that follow from a realm's public facts. */
export interface Discovered {
  readonly realm: JsonObject
  readonly connector: JsonObject
  readonly notes: readonly string[]
}

/**
 * One setting that differs. Its members are the template's own, but for the two values: turned round, it is the
 * undoing.
 */
export interface Change {
  readonly kind: string
  readonly before: unknown
  readonly after: unknown
}

/** Changes, and facts that a person should know besides. */
export interface Plan<C extends Change = Change> {
  readonly changes: readonly C[]
  readonly notes: readonly string[]
}

/** A realm that an administrator reads and changes. Each verb rejects with one sentence. */
export interface Administration {
  /** All that a plan depends on, as JSON in a fixed order. */
  read(): Promise<unknown>
  plan(state: unknown, options: InitOptions): Plan
  /** The changes turned round, last first, without those whose result was altered since. */
  undo(state: unknown, done: readonly Change[]): Plan
  apply(change: Change): Promise<void>
  isDone(state: unknown, change: Change): boolean
  /** Describes a change in one line, for consent. */
  sentenceOf(change: Change): string
  /** The service accounts, by their option in the connector's configuration: secrets to keep. */
  accounts(options: InitOptions): readonly Account[]
  secretOf(account: Account): Promise<string>
}

export interface Account {
  /** The option of the connector, such as `serviceAccount`. */
  readonly option: string
  readonly clientId: string
}
