// Serves a worker in workerd, the runtime of Cloudflare Workers.

import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { build, type Plugin } from 'esbuild'
import { Child } from './child.ts'

const require = createRequire(import.meta.url)

interface WorkerOptions {
  name: string
  /** The worker's entry file. */
  entry: string
  /** Where the bundle and the configuration are written. */
  folder: string
  port: number
  /** Text bindings, the worker's `env`. */
  bindings: Record<string, string>
  /** A path that responds as soon as the worker serves requests. */
  readyPath: string
  /**
   * A folder whose `node_modules` contains the `portcullis` to bundle. Default: the one that the worker's file imports.
   */
  installedIn?: string
}

interface ModulesOptions extends Omit<WorkerOptions, 'entry' | 'installedIn'> {
  compatibilityFlags?: readonly string[]
}

/** Bundles the worker and serves it on loopback; resolves once it responds. */
export async function serveWorker(options: WorkerOptions): Promise<Child> {
  await mkdir(options.folder, { recursive: true })
  return serveModules(options, ['worker.js', ...(await bundle(options))])
}

/** Serves modules that are in the folder already: `.js`, `.mjs` and `.wasm`. The first one has the handler. */
export async function serveModules(options: ModulesOptions, modules: readonly string[]): Promise<Child> {
  const file = join(options.folder, 'config.capnp')
  await writeFile(file, configuration(options, modules))
  const worker = new Child(options.name, workerd(), ['serve', file])
  await worker.ready(`http://127.0.0.1:${options.port}${options.readyPath}`)
  return worker
}

/** Bundles the worker and returns the names of the wasm modules that it copied beside the bundle. */
async function bundle({ entry, folder, installedIn }: WorkerOptions): Promise<string[]> {
  const sources: string[] = []
  await build({
    entryPoints: [entry],
    outfile: join(folder, 'worker.js'),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    conditions: ['workerd'],
    logLevel: 'error',
    plugins: [
      ...(installedIn === undefined ? [] : [otherPackage(installedIn)]),
      {
        // workerd compiles wasm itself, so each wasm module stays a separate file beside the bundle.
        name: 'wasm-module',
        setup(context) {
          context.onResolve({ filter: /\.wasm$/ }, ({ path, resolveDir }) => {
            const from = path.startsWith('portcullis/') ? (installedIn ?? resolveDir) : resolveDir
            sources.push(createRequire(join(from, 'here')).resolve(path))
            return { path: `./${moduleName(sources.length - 1)}`, external: true }
          })
        },
      },
    ],
  })
  await Promise.all(sources.map((source, index) => copyFile(source, join(folder, moduleName(index)))))
  return sources.map((_, index) => moduleName(index))
}

/** Resolves `portcullis/…` as a file in `folder` would. Wasm modules are left to the plugin for them. */
function otherPackage(folder: string): Plugin {
  return {
    name: 'other-package',
    setup(context) {
      context.onResolve({ filter: /^portcullis(\/|$)/ }, ({ path, kind, resolveDir }) =>
        path.endsWith('.wasm') || resolveDir === folder
          ? undefined
          : context.resolve(path, { kind, resolveDir: folder }),
      )
    },
  }
}

function moduleName(index: number): string {
  return `module${index}.wasm`
}

function configuration(
  { port, bindings, compatibilityFlags = [] }: ModulesOptions,
  modules: readonly string[],
): string {
  const kind = (name: string) => (name.endsWith('.wasm') ? 'wasm' : 'esModule')
  const embedded = modules.map((name) => `    (name = "${name}", ${kind(name)} = embed "${name}"),`)
  const texts = Object.entries(bindings).map(
    ([name, text]) => `    (name = "${name}", text = ${JSON.stringify(text)}),`,
  )
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "worker", worker = .worker),
    (name = "network", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "worker")],
);

const worker :Workerd.Worker = (
  compatibilityDate = "2026-01-01",
  compatibilityFlags = [${compatibilityFlags.map((flag) => JSON.stringify(flag)).join(', ')}],
  modules = [
${embedded.join('\n')}
  ],
  bindings = [
${texts.join('\n')}
  ],
  globalOutbound = "network",
);
`
}

/** Path of the binary itself: signals must reach it, not a launcher. */
function workerd(): string {
  const { default: path } = require('workerd') as { default: string }
  return path
}
