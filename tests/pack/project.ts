// The package as packed by npm, and new projects outside the checkout that install it.

import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const run = promisify(execFile)
/** The machine's own Node, which a user's project would use; the tests themselves may run in a different one. */
export const NODE = 'node'
export const PKG = fileURLToPath(new URL('../../pkg', import.meta.url))
export const EXAMPLES = fileURLToPath(new URL('../../www/examples', import.meta.url))
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error']

export class Packed {
  readonly folder: string
  readonly tarball: string

  private constructor(folder: string, tarball: string) {
    this.folder = folder
    this.tarball = tarball
  }

  static async make(): Promise<Packed> {
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-pack-'))
    const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: PKG })
    return new Packed(folder, join(folder, stdout.trim().split('\n').at(-1) ?? ''))
  }

  /** Creates an empty project with the package. */
  async freshProject(name: string): Promise<string> {
    const project = join(this.folder, name)
    await mkdir(project)
    await writeFile(join(project, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }))
    await run('npm', ['install', ...QUIET, this.tarball], { cwd: project })
    return project
  }

  /**
   * Creates a copy of an example with its dependencies: the package from the tarball, others from npm except for those
   * in `without`, which the test does not need.
   */
  async example(name: string, without: readonly string[] = []): Promise<string> {
    const project = join(this.folder, `example-${name}`)
    await cp(join(EXAMPLES, name), project, { recursive: true, filter: (source) => !source.includes('node_modules') })
    const file = join(project, 'package.json')
    const manifest = JSON.parse(await readFile(file, 'utf8')) as Manifest
    manifest.dependencies['portcullis'] = `file:${this.tarball}`
    for (const dependency of without) {
      delete manifest.dependencies[dependency]
      delete manifest.devDependencies?.[dependency]
    }
    await writeFile(file, JSON.stringify(manifest))
    await run('npm', ['install', ...QUIET, '--ignore-scripts', '--omit=optional'], { cwd: project })
    return project
  }

  close(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true })
  }
}

interface Manifest {
  dependencies: Record<string, string>
  devDependencies?: Record<string, string>
}

/** Installs the driver that is already built for this machine. */
export async function linkDriver(project: string): Promise<void> {
  await buildDriver()
  await run('npm', ['install', '--ignore-scripts', ...QUIET, join(PKG, 'node_modules/better-sqlite3')], {
    cwd: project,
  })
}

/** Compiles the driver for the machine's own Node unless a binary exists. Takes a minute or two. */
export async function buildDriver(): Promise<void> {
  const load = "new (require('better-sqlite3'))(':memory:')"
  const loads = await run(NODE, ['--eval', load], { cwd: PKG }).then(
    () => true,
    () => false,
  )
  if (!loads) await run('npm', ['rebuild', 'better-sqlite3', '--loglevel=error'], { cwd: PKG })
}
