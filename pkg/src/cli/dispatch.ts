import { parseArgs } from 'node:util'
import { PortcullisError } from '../errors.ts'
import { VERSION } from '../version.ts'
import type { Command, CommandInput } from './command.ts'
import { printable } from './printable.ts'
import { CheckFailed, EXIT, helpOf, overview, UsageError, usageOf } from './usage.ts'

/** Runs the command line of this process, prints its result, and ends the process. */
export function main(commands: readonly Command[]): void {
  run(commands, process.argv.slice(2), process.env).then(
    (output) => {
      // The process only ends when everything is written; a stream that cannot be written to must not keep it alive.
      process.stdout.write(printable(output), () => process.exit(EXIT.done))
    },
    (error: unknown) => {
      if (error instanceof CheckFailed) process.stdout.write(printable(error.output))
      const message = error instanceof Error ? error.message : 'failed for an unknown reason'
      process.stderr.write(printable(`portcullis: ${message}\n`), () => process.exit(exitCode(error)))
    },
  )
}

/** Runs one command line and returns its output. Rejects with the command's error. */
async function run(
  commands: readonly Command[],
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<string> {
  const [first, ...rest] = words
  if (first === '--version' || first === '-v') return `${VERSION}\n`
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    const about = find(commands, rest[0])
    return about === undefined ? overview(commands) : helpOf(about)
  }
  const command = find(commands, first)
  if (command === undefined) throw new UsageError("expected a command, found an option: see 'portcullis --help'")
  const input = parse(command, rest, environment)
  return input === 'help' ? helpOf(command) : ((await command.run(input)) ?? '')
}

/** Returns the command, or `undefined` for an option or no word. Throws `UsageError` for an unknown name. */
function find(commands: readonly Command[], word: string | undefined): Command | undefined {
  if (word === undefined || word.startsWith('-')) return undefined
  const command = commands.find(({ name }) => name === word)
  if (command === undefined)
    throw new UsageError(`unknown command; known are ${commands.map(({ name }) => name).join(', ')}`)
  return command
}

function parse(command: Command, args: readonly string[], environment: NodeJS.ProcessEnv): CommandInput | 'help' {
  try {
    const { help, ...parsed } = parseOptions(command, args)
    if (help) return 'help'
    if (parsed.positionals.length !== command.positionals.length) throw new UsageError('too many or too few arguments')
    return { ...parsed, environment }
  } catch (cause) {
    throw new UsageError(`${cause instanceof Error ? cause.message : 'bad usage'}\nUsage: ${usageOf(command)}`, {
      cause,
    })
  }
}

function parseOptions(
  { options }: Command,
  args: readonly string[],
): Omit<CommandInput, 'environment'> & { help: boolean } {
  const own = Object.entries(options).map(
    ([name, { value }]) => [name, { type: value === undefined ? 'boolean' : 'string' }] as const,
  )
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { ...Object.fromEntries(own), help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
    strict: true,
  })
  const given = Object.entries(values as Record<string, string | boolean | undefined>)
  return {
    values: Object.fromEntries(given.filter((each): each is [string, string] => typeof each[1] === 'string')),
    flags: new Set(given.filter(([, value]) => value === true).map(([name]) => name)),
    positionals,
    help: values['help'] === true,
  }
}

/** Returns the exit code of an error, by its kind: usage, configuration, or any other. */
function exitCode(error: unknown): number {
  const wrong = error instanceof UsageError || (error instanceof PortcullisError && error.code === 'invalid_option')
  return wrong ? EXIT.usage : EXIT.failed
}
