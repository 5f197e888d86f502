#!/usr/bin/env node
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { PortcullisError } from '../errors.ts'
import { policyDigest } from '../origin/gate/policy-agreement.ts'
import { memoryStore } from '../origin/store/memory.ts'
import { resolveOriginSettings } from '../origin/settings.ts'
import { VERSION } from '../version.ts'
import { type Configuration, loadConfiguration } from './configuration.ts'
import { backup, restore } from './copies.ts'
import { keygen } from './keygen.ts'
import { serve } from './serve.ts'
import { type CommandName, EXIT, HELP, helpOf, UsageError } from './usage.ts'

/** Runs one command line. Rejects with what the command throws. */
async function run(words: readonly string[]): Promise<void> {
  const [first, ...rest] = words
  if (first === '--version' || first === '-v') return print(`${VERSION}\n`)
  if (first === undefined || first === '--help' || first === '-h' || first === 'help')
    return print(helpOf(commandOf(rest[0])))
  const command = commandOf(first)
  if (command === undefined) throw new UsageError("an option stands where a command must: see 'portcullis --help'")
  const { values, positionals } = parse(command, rest)
  if (values['help'] === true) return print(helpOf(command))
  const copy = positionals[0] ?? ''
  switch (command) {
    case 'serve':
      return serve(configurationOf(values))
    case 'check':
      return print(check(configurationOf(values)))
    case 'keygen':
      return print(await keygen(text(values['out']) ?? '.'))
    case 'backup':
      return print(await backup(configurationOf(values), copy))
    case 'restore':
      return print(await restore(configurationOf(values), copy, wholeNumber(text(values['incarnation']))))
  }
}

type Values = Readonly<Record<string, unknown>>

const CONFIG = { config: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const

const OPTIONS: Readonly<Record<CommandName, NonNullable<ParseArgsConfig['options']>>> = {
  serve: { ...CONFIG, port: { type: 'string' }, hostname: { type: 'string' } },
  check: CONFIG,
  keygen: { out: { type: 'string' }, help: CONFIG.help },
  backup: CONFIG,
  restore: { ...CONFIG, incarnation: { type: 'string' } },
}

/** How many words a command takes besides its options. */
const WORDS: Readonly<Record<CommandName, number>> = { serve: 0, check: 0, keygen: 0, backup: 1, restore: 1 }

function parse(command: CommandName, args: readonly string[]): { values: Values; positionals: string[] } {
  const { usage } = HELP[command]
  try {
    const parsed = parseArgs({ args: [...args], options: OPTIONS[command], allowPositionals: true, strict: true })
    if (parsed.values['help'] !== true && parsed.positionals.length !== WORDS[command])
      throw new UsageError('that is not how it is used')
    return parsed
  } catch (cause) {
    throw new UsageError(`${cause instanceof Error ? cause.message : 'bad usage'}\nUsage: ${usage}`, { cause })
  }
}

function commandOf(word: string | undefined): CommandName | undefined {
  if (word === undefined || word.startsWith('-')) return undefined
  if (Object.hasOwn(HELP, word)) return word as CommandName
  throw new UsageError(`there is no such command; there are ${Object.keys(HELP).join(', ')}`)
}

function configurationOf(values: Values): Configuration {
  const given = { config: text(values['config']), port: text(values['port']), hostname: text(values['hostname']) }
  return loadConfiguration(given, process.env)
}

/** Checks what only the whole of the options can say. */
function check({ file, listen, origin }: Configuration): string {
  resolveOriginSettings({ ...origin, store: memoryStore() })
  const realms = origin.realms.map(({ name }) => name).join(', ')
  const edges = origin.edges?.length ?? 0
  const where = `${listen.hostname ?? '127.0.0.1'}, port ${listen.port}`
  const policies = origin.realms.map((realm) => `realm ${realm.name}: policy ${policyDigest(realm)}, which the gates' status() must show\n`)
  return `${file} is good: realms ${realms}; edges: ${edges}; it would listen on ${where}\n${policies.join('')}`
}

function wholeNumber(given: string | undefined): number | undefined {
  if (given === undefined) return undefined
  if (!/^\d{1,6}$/.test(given)) throw new UsageError('--incarnation must be a whole number')
  return Number(given)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function print(message: string): void {
  process.stdout.write(message)
}

/** What is wrong with the usage or the configuration, or with anything else. */
function exitCode(error: unknown): number {
  const wrong = error instanceof UsageError || (error instanceof PortcullisError && error.code === 'invalid_option')
  return wrong ? EXIT.usage : EXIT.failed
}

run(process.argv.slice(2)).then(
  // Not before all is written; what still waits somewhere must not hold it up.
  () => process.stdout.write('', () => process.exit(EXIT.done)),
  (error: unknown) => {
    const message = error instanceof Error ? error.message : 'failed for an unknown cause'
    process.stderr.write(`portcullis: ${message}\n`, () => process.exit(exitCode(error)))
  },
)
