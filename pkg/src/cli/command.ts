/** One verb of the command line. Parsing, usage, help and dispatch follow from it. */
export interface Command {
  readonly name: string
  /** One short phrase for the list of all verbs. */
  readonly summary: string
  /** The first part of the verb's help. */
  readonly help: string
  /** By name, without the dashes. */
  readonly options: Readonly<Record<string, CommandOption>>
  /** The names of the words that it takes besides its options, such as `COPY`; each must be given. */
  readonly positionals: readonly string[]
  /** The last part of its help, with an example. */
  readonly example: string
  /** Returns what to print. Throws `UsageError` or `invalid_option` for errors that the caller can mend. */
  run(input: CommandInput): Promise<string | void>
}

export interface CommandOption {
  /** The name of its value, such as `FILE`. Left out: the option is a flag. */
  readonly value?: string
  /** Description and default, on one line. */
  readonly help: string
}

/** A command line, parsed. */
export interface CommandInput {
  /** The values of the options that were given. */
  readonly values: Readonly<Record<string, string | undefined>>
  /** The flags that were given. */
  readonly flags: ReadonlySet<string>
  readonly positionals: readonly string[]
  readonly environment: NodeJS.ProcessEnv
}
