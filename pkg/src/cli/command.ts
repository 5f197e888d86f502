/** One command. Parsing, usage, help and dispatch are derived from it. */
export interface Command {
  readonly name: string
  /** One short phrase for the list of all commands. */
  readonly summary: string
  /** The first part of the command's help. */
  readonly help: string
  /** By name, without the dashes. */
  readonly options: Readonly<Record<string, CommandOption>>
  /** The names of its positional arguments, such as `COPY`; each is required. */
  readonly positionals: readonly string[]
  /** The last part of its help, with an example. */
  readonly example: string
  /** Returns the output. Throws `UsageError` or `invalid_option` for errors that the caller can correct. */
  run(input: CommandInput): Promise<string | void>
}

export interface CommandOption {
  /** The name of its value, such as `FILE`. Absent: the option is a flag. */
  readonly value?: string
  /** Description and default, on one line. */
  readonly help: string
}

/** A parsed command line. */
export interface CommandInput {
  /** The values of the given options. */
  readonly values: Readonly<Record<string, string | undefined>>
  /** The given flags. */
  readonly flags: ReadonlySet<string>
  readonly positionals: readonly string[]
  readonly environment: NodeJS.ProcessEnv
}
