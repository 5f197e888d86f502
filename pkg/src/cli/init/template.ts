import type { JsonObject } from '../keycloak/json.ts'

/** One kind of identity server that `init` sets up. */
export interface Template {
  /** Describes the value of its option, the server's URL. */
  readonly help: string
  /** Reads the public facts of a realm from the server. Throws `UsageError` for an unusable address. */
  discover(target: Target): Promise<Discovered>
  /** Sends nothing: the first request signs the administrator in. */
  administer(target: Target, administrator: Administrator): Administration
  /** Returns the changes of an undo file. Throws `UsageError` if it contains anything else. */
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

/** The parsed options of one run. */
export interface InitOptions {
  readonly realm: string
  /** The origin's URL as the identity server reaches it. */
  readonly origin: URL
  readonly audience: string
  /** The clients whose tokens will have the audience. */
  readonly clients: readonly string[]
  /** Whether actions at the origin will be forwarded to the identity server. */
  readonly forward: boolean
}

/** The parts of `portcullis.json` that are derived from a realm's public facts. */
export interface Discovered {
  readonly realm: JsonObject
  readonly connector: JsonObject
  readonly notes: readonly string[]
}

/**
 * One setting that differs. Templates add members of their own. The change with `before` and `after` swapped undoes it.
 */
export interface Change {
  readonly kind: string
  readonly before: unknown
  readonly after: unknown
}

/** Changes, and other facts that a person should know. */
export interface Plan<C extends Change = Change> {
  readonly changes: readonly C[]
  readonly notes: readonly string[]
}

/** A realm that an administrator reads and changes. Each method rejects with one sentence. */
export interface Administration {
  /** Reads everything on which a plan depends, as JSON in a fixed order. */
  read(): Promise<unknown>
  plan(state: unknown, options: InitOptions): Plan
  /** Returns the inverse changes, in reverse order, without those whose result has changed since. */
  undo(state: unknown, done: readonly Change[]): Plan
  apply(change: Change): Promise<void>
  isDone(state: unknown, change: Change): boolean
  /** Describes a change in one line, for consent. */
  sentenceOf(change: Change): string
  /** Returns the service accounts, by their option in the connector's configuration: secrets to store. */
  accounts(options: InitOptions): readonly Account[]
  secretOf(account: Account): Promise<string>
}

interface Account {
  /** The option of the connector, such as `serviceAccount`. */
  readonly option: string
  readonly clientId: string
}
