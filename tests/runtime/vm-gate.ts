// The gate in a context of `node:vm`, with a wasm module that was compiled outside it: so Jest, and Next in
// development, run code. The context has its own intrinsics (Uint8Array, Promise, WebAssembly), and what the host adds
// to them from outside.

import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { createContext, SourceTextModule } from 'node:vm'
import type * as Edge from 'portcullis/edge/load'

const OF_THE_HOST = [
  'AbortController',
  'AbortSignal',
  'atob',
  'clearTimeout',
  'console',
  'crypto',
  'DOMException',
  'fetch',
  'Headers',
  'performance',
  'queueMicrotask',
  'Request',
  'Response',
  'setTimeout',
  'structuredClone',
  'TextDecoder',
  'TextEncoder',
  'URL',
  'URLSearchParams',
]

const context = createContext(
  Object.fromEntries(OF_THE_HOST.map((name) => [name, (globalThis as Record<string, unknown>)[name]])),
)
const modules = new Map<string, Promise<SourceTextModule>>()

/** The module of a file, made once. */
function moduleOf(url: string): Promise<SourceTextModule> {
  const known = modules.get(url)
  if (known !== undefined) return known
  const made = readFile(fileURLToPath(url), 'utf8').then(
    (source) => new SourceTextModule(source, { context, identifier: url }),
  )
  modules.set(url, made)
  return made
}

const entry = await moduleOf(import.meta.resolve('portcullis/edge/load'))
await entry.link((specifier, { identifier }) => moduleOf(new URL(specifier, identifier).href))
await entry.evaluate()
const { load, createGate } = entry.namespace as typeof Edge
load(await WebAssembly.compile(await readFile(fileURLToPath(import.meta.resolve('portcullis/edge.wasm')))), {
  shareFlights: true,
})

export { createGate }
