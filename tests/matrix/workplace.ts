// A tool's folder under target/matrix: the fixture and its locked packages, including the packed package.

import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Unavailable } from './environment.ts'
import { Program, type Placed } from './hosts/program.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const PKG = fileURLToPath(new URL('../../pkg', import.meta.url))
const TARGET = fileURLToPath(new URL('../../target/matrix', import.meta.url))
const RUN_TIMEOUT_MS = 300_000
/** Entries of a tool's folder that a user's project would not have. */
const NOT_COPIED = ['node_modules', 'environments.ts']

interface RunOptions {
  /** Additional environment variables. */
  variables?: Record<string, string>
  /** Default: the workplace. */
  folder?: string
}

export class Workplace implements Placed {
  /** The fixture with its `node_modules`. */
  readonly folder: string
  readonly variables: NodeJS.ProcessEnv
  readonly #copies: string[] = []

  constructor(folder: string, node: 22 | undefined) {
    this.folder = folder
    const programs = [
      join(folder, 'node_modules/.bin'),
      ...(node === undefined ? [] : [join(folder, 'node_modules', nodePackage(), 'bin')]),
    ]
    const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, ...variables } = process.env
    const quiet = {
      CI: 'true',
      NO_COLOR: '1',
      FORCE_COLOR: '0',
      WRANGLER_SEND_METRICS: 'false',
      NEXT_TELEMETRY_DISABLED: '1',
      ASTRO_TELEMETRY_DISABLED: '1',
    }
    this.variables = { ...variables, ...quiet, PATH: [...programs.reverse(), variables['PATH']].join(delimiter) }
  }

  /** Runs a command of the tool or any other. Resolves to its output, and rejects with the output on failure. */
  async run(
    command: string,
    parameters: readonly string[],
    { variables = {}, folder = this.folder }: RunOptions = {},
  ): Promise<string> {
    const program = new Program({ command, parameters, folder, variables: { ...this.variables, ...variables } })
    const code = await program.ended(RUN_TIMEOUT_MS)
    if (code === 0) return program.output
    throw new Error(`${[command, ...parameters].join(' ')} exited with ${code}:\n${program.output.trim()}`)
  }

  /** Does the same for a command line whose words contain no spaces. */
  runLine(line: string): Promise<string> {
    const [command = '', ...parameters] = line.split(' ')
    return this.run(command, parameters)
  }

  /**
   * Copies files or folders, each under its own name, to a folder without `node_modules` above it. Removes the package
   * from the build folder, because some bundlers write absolute paths into their output, which do not exist on another
   * machine.
   */
  async copyOut(...paths: string[]): Promise<string> {
    const folder = await this.outside()
    for (const path of paths) await cp(join(this.folder, path), join(folder, basename(path)), { recursive: true })
    await rm(join(this.folder, 'node_modules/portcullis'), { recursive: true, force: true })
    return folder
  }

  /** Creates a folder without `node_modules` above it. */
  async outside(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-matrix-'))
    this.#copies.push(folder)
    return folder
  }

  /** Returns the installed version of a package. */
  async version(name: string): Promise<string> {
    const text = await readFile(join(this.folder, 'node_modules', name, 'package.json'), 'utf8').catch(() => '{}')
    return (JSON.parse(text) as { version?: string }).version ?? ''
  }

  async close(): Promise<void> {
    await Promise.all(this.#copies.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
  }
}

/** Packs `pkg/` as for publishing. Resolves to the tarball. */
export async function pack(): Promise<string> {
  await mkdir(TARGET, { recursive: true })
  const folder = await mkdtemp(join(TARGET, 'package-'))
  const tarball = await execute('npm', ['pack', '--silent', '--pack-destination', folder], PKG)
  return join(folder, tarball.trim().split('\n').at(-1) ?? '')
}

/** Returns the lock file that is held while a tool's folder is in use. */
export function lockFile(tool: string): string {
  return join(TARGET, `${tool}.lock`)
}

/** Copies a tool's fixture again, and installs its packages if the lock file has changed. */
export async function openWorkplace(tool: string, node: 22 | undefined, tarball: string): Promise<Workplace> {
  const folder = join(TARGET, tool)
  await mkdir(folder, { recursive: true })
  for (const name of await readdir(folder))
    if (name !== 'node_modules') await rm(join(folder, name), { recursive: true, force: true })
  await cp(join(HERE, 'apps'), join(folder, 'apps'), { recursive: true })
  await cp(join(HERE, tool), folder, { recursive: true, filter: (source) => !NOT_COPIED.includes(basename(source)) })
  await install(folder)
  await removeCaches(join(folder, 'node_modules'))
  await unpack(tarball, join(folder, 'node_modules/portcullis'))
  return new Workplace(folder, node)
}

async function install(folder: string): Promise<void> {
  const stamp = join(folder, 'node_modules/.matrix-lock')
  const lock = await readFile(join(folder, 'package-lock.json'))
  const hash = createHash('sha256').update(lock).update(process.version).digest('hex')
  if ((await readFile(stamp, 'utf8').catch(() => '')) === hash) return
  await execute('npm', ['ci', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], folder).catch(
    (error: unknown) => {
      const isOffline = error instanceof Error && /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT)\b/.test(error.message)
      throw isOffline ? new Unavailable("npm's registry cannot be reached") : error
    },
  )
  await mkdir(dirname(stamp), { recursive: true })
  await writeFile(stamp, hash)
}

/** Removes caches such as Vite's `.vite`: with the same lock file, tools would reuse the last run's package. */
async function removeCaches(modules: string): Promise<void> {
  const isCache = (name: string) =>
    name.startsWith('.') && !['.bin', '.package-lock.json', '.matrix-lock'].includes(name)
  await Promise.all(
    (await readdir(modules)).filter(isCache).map((name) => rm(join(modules, name), { recursive: true, force: true })),
  )
}

async function unpack(tarball: string, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await execute('tar', ['-xzf', tarball, '--strip-components=1', '-C', folder], folder)
}

async function execute(command: string, parameters: string[], folder: string): Promise<string> {
  const program = new Program({ command, parameters, folder, variables: process.env })
  const code = await program.ended(RUN_TIMEOUT_MS)
  // The rest of npm's output is its usage.
  if (code !== 0)
    throw new Error(
      `${command} ${parameters[0]} exited with ${code}:\n${program.output.trim().split('\n').slice(0, 6).join('\n')}`,
    )
  return program.output
}

/** Returns npm's package of Node's binary for this machine. */
function nodePackage(): string {
  return `node-${process.platform}-${process.arch}`
}
