import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { isLoopback } from '../../http/loopback.ts'
import { isObject } from '../../options.ts'
import type { Command, CommandInput } from '../command.ts'
import { ConfigurationFolder, type WrittenFile } from '../init/files.ts'
import { keycloak } from '../init/keycloak/template.ts'
import { asJson, asText, planText, type InitReport } from '../init/report.ts'
import { setUp, type Applied, type Consent, type Planner, type UndoFile } from '../init/set-up.ts'
import type { Administration, Administrator, Discovered, InitOptions, Target, Template } from '../init/template.ts'
import { parseJson } from '../json.ts'
import { ADMIN_PASSWORD } from '../keycloak/admin-api.ts'
import { textOf } from '../keycloak/json.ts'
import { printable } from '../printable.ts'
import { confirm, hiddenLine, isInteractive } from '../prompt.ts'
import { UsageError } from '../usage.ts'

/** The identity servers that can be set up; each has an option with its name. */
const TEMPLATES: Readonly<Record<string, Template>> = { keycloak }

const DEFAULT_ORIGIN = 'http://127.0.0.1:8780'
/** The version of the undo file's format. */
const UNDO_FORM = 1

export const init: Command = {
  name: 'init',
  summary: 'set up a realm of an identity server, and write the configuration',
  help: `Writes portcullis.json, the feed's key and the secrets of service accounts; overwrites nothing. With an
administrator's password, asked for or in ${ADMIN_PASSWORD}, it also sets the realm up: shows the changes, asks,
and applies exactly that, after writing a file that takes it back. The password is neither stored nor printed. A second
run changes nothing.`,
  options: {
    ...Object.fromEntries(Object.entries(TEMPLATES).map(([name, { help }]) => [name, { value: 'URL', help }])),
    realm: { value: 'NAME', help: 'the realm to set up' },
    origin: { value: 'URL', help: `this origin, as the identity server reaches it; default: ${DEFAULT_ORIGIN}` },
    audience: { value: 'NAME', help: "the API's name in the 'aud' of tokens; default: api" },
    client: { value: 'NAMES', help: 'the clients whose tokens get that audience, separated by commas; default: none' },
    forward: { help: 'also create the account that forwards actions of this origin to the identity server' },
    admin: { value: 'NAME', help: "the administrator, of Keycloak's realm master; default: admin" },
    out: { value: 'DIRECTORY', help: 'the directory of the files; default: the current one' },
    undo: { value: 'FILE', help: 'undo the changes of an undo file; of the options above only --admin applies' },
    'dry-run': { help: 'only show the plan; nothing is written or changed' },
    yes: { help: 'apply without asking' },
    json: { help: 'print JSON; needs --yes or --dry-run' },
  },
  positionals: [],
  example: `Example:

  $ portcullis init --keycloak https://id.example.com --realm acme --origin https://revocation.example.com --client web
  $ portcullis serve
  $ portcullis check --online`,
  run: (input) => (input.values['undo'] === undefined ? runInit(input) : runUndo(input, input.values['undo'])),
}

async function runInit(input: CommandInput): Promise<string> {
  const { name, template, target } = targetOf(input)
  const options = optionsOf(input, target.realm)
  const isTrial = input.flags.has('dry-run')
  const discovered = await template.discover(target)
  const administrator = await administratorOf(input)
  const folder = new ConfigurationFolder(resolve(input.values['out'] ?? '.'), isTrial)
  const administration = administrator === undefined ? undefined : template.administer(target, administrator)
  const undo: UndoFile = {
    path: folder.path(`undo-${name}-${target.realm}-${stamp()}.json`),
    about: { form: UNDO_FORM, template: name, ...target },
  }
  const applied =
    administration === undefined
      ? undefined
      : await run(input, administration, (state) => administration.plan(state, options), undo)
  const isSetUp = applied !== undefined && applied.outcome !== 'declined' && administration !== undefined
  const files =
    isSetUp || administration === undefined || isTrial
      ? await writeFiles(folder, discovered, options, isSetUp && !isTrial ? administration : undefined)
      : []
  return printed(input, {
    applied,
    administration,
    files,
    notes: [...discovered.notes, ...originNote(options, target)],
  })
}

async function runUndo(input: CommandInput, file: string): Promise<string> {
  const written = parseJson(readFileSync(file, 'utf8'), file)
  if (!isObject(written) || written['form'] !== UNDO_FORM) throw new UsageError('the undo file is not of this version')
  const template = TEMPLATES[textOf(written['template'])]
  if (template === undefined) throw new UsageError('the undo file is not of this version')
  const done = template.readChanges(written['changes'])
  const administrator = await administratorOf(input)
  if (administrator === undefined)
    throw new UsageError(`an undo needs an administrator's password: run it in a terminal, or set ${ADMIN_PASSWORD}`)
  const administration = template.administer(
    { url: textOf(written['url']), realm: textOf(written['realm']) },
    administrator,
  )
  const applied = await run(input, administration, (state) => administration.undo(state, done))
  return printed(input, { applied, administration, files: [], notes: [] })
}

function run(input: CommandInput, administration: Administration, planner: Planner, undo?: UndoFile): Promise<Applied> {
  return setUp(administration, planner, consentOf(input, administration), undo)
}

function consentOf({ flags }: CommandInput, administration: Administration): Consent {
  return async (plan) => {
    if (flags.has('dry-run')) return false
    if (flags.has('yes')) return true
    if (flags.has('json') || !isInteractive())
      throw new UsageError('there is no terminal to ask for consent: use --yes to apply, or --dry-run to see the plan')
    process.stderr.write(printable(planText(plan, administration)))
    return confirm('Apply this?')
  }
}

function targetOf({ values }: CommandInput): { name: string; template: Template; target: Target } {
  const [chosen, ...others] = Object.entries(TEMPLATES).filter(([name]) => values[name] !== undefined)
  if (chosen === undefined || others.length > 0)
    throw new UsageError(
      `use one of ${Object.keys(TEMPLATES)
        .map((name) => `--${name} URL`)
        .join(', ')}`,
    )
  const [name, template] = chosen
  const realm = values['realm']
  if (realm === undefined || realm === '') throw new UsageError('--realm is missing: the name of the realm')
  return { name, template, target: { url: values[name] ?? '', realm } }
}

function optionsOf({ values, flags }: CommandInput, realm: string): InitOptions {
  const origin = values['origin'] ?? DEFAULT_ORIGIN
  if (!URL.canParse(origin) || !/^https?:$/.test(new URL(origin).protocol))
    throw new UsageError('--origin must be an http: or https: URL')
  const clients = (values['client'] ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
  return {
    realm,
    origin: new URL(origin),
    audience: values['audience'] ?? 'api',
    clients,
    forward: flags.has('forward'),
  }
}

/**
 * Returns `undefined` without a password, so that only files are written. The password is not an option, because other
 * users of the machine can read options.
 */
async function administratorOf({ values, environment }: CommandInput): Promise<Administrator | undefined> {
  const name = values['admin'] ?? 'admin'
  const password =
    environment[ADMIN_PASSWORD] ??
    (isInteractive() ? await hiddenLine(`Password of ${name} (empty: only write files): `) : '')
  return password === '' ? undefined : { name, password }
}

async function writeFiles(
  folder: ConfigurationFolder,
  { realm, connector }: Discovered,
  options: InitOptions,
  administration: Administration | undefined,
): Promise<WrittenFile[]> {
  const files = await folder.feedKey()
  const accounts: Record<string, unknown> = {}
  for (const account of administration?.accounts(options) ?? []) {
    const file = `${account.clientId}.secret`
    files.push(folder.secret(file, (await administration?.secretOf(account)) ?? ''))
    accounts[account.option] = { clientId: account.clientId, clientSecret: { file } }
  }
  files.push(
    folder.configuration({
      $schema: './node_modules/portcullis/portcullis.schema.json',
      store: { path: 'portcullis.db' },
      signingKey: { file: 'feed-key.json' },
      realms: [{ ...realm, audience: options.audience }],
      connectors: [{ ...connector, ...accounts }],
    }),
  )
  return files
}

function originNote({ origin }: InitOptions, { url }: Target): string[] {
  return isLoopback(origin) && !isLoopback(new URL(url))
    ? [`${origin.href} is only this machine: a Keycloak elsewhere cannot reach it; use --origin`]
    : []
}

function printed({ flags }: CommandInput, report: InitReport): string {
  return flags.has('json') ? asJson(report) : asText(report)
}

function stamp(): string {
  return new Date().toISOString().replace(/[-:]|\.\d+/g, '')
}
