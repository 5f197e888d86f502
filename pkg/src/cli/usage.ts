import type { Command } from './command.ts'

/** The command line or the configuration is wrong; the message says how to correct it. */
export class UsageError extends Error {}

/** A check ran and found failures: its output is still the result. */
export class CheckFailed extends Error {
  readonly output: string

  constructor(output: string) {
    super('the check found failures')
    this.output = output
  }
}

/** The exit codes of a command. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const

/** The column of option descriptions. */
const OPTION_COLUMN = 20

/** Returns one line that shows how a command is called. */
export function usageOf({ name, options, positionals }: Command): string {
  const optional = Object.entries(options).map(([option, { value }]) => `[${written(option, value)}]`)
  return ['portcullis', name, ...optional, ...positionals].join(' ')
}

/** Returns the output of `portcullis COMMAND --help`. */
export function helpOf(command: Command): string {
  const lines = Object.entries(command.options).map(
    ([option, { value, help }]) => `${`  ${written(option, value)}`.padEnd(OPTION_COLUMN)}${help}`,
  )
  return `${[usageOf(command), command.help, lines.join('\n'), command.example].join('\n\n')}\n`
}

/** Returns the output of `portcullis --help`. */
export function overview(commands: readonly Command[]): string {
  return `portcullis: JWT validation with instant revocation at the edge

Usage: portcullis COMMAND [options]

${commands.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}`).join('\n')}

  portcullis COMMAND --help   shows details, with an example
  portcullis --version

The shortest way to a running origin:

  $ npx portcullis keygen
  $ npx portcullis serve --help      # shows an example of portcullis.json
  $ npx portcullis serve

With Keycloak, 'npx portcullis init --help' shows a shorter way.
`
}

function written(option: string, value: string | undefined): string {
  return value === undefined ? `--${option}` : `--${option} ${value}`
}
