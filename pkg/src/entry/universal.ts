import type { NodeCrypto } from '../edge/core/module.ts'
import { inflated } from './inflated.ts'

/** Compiles a module of `wasm/<module>/embedded.js`, synchronously if the host can inflate synchronously. */
export function compileAnywhere(base64: string): WebAssembly.Module | Promise<WebAssembly.Module> {
  const [zlib, buffer] = [builtin('node:zlib'), builtin('node:buffer')]
  if (zlib === undefined || buffer === undefined) return inflated(base64).then((bytes) => WebAssembly.compile(bytes))
  return new WebAssembly.Module(zlib.inflateRawSync(buffer.Buffer.from(base64, 'base64')))
}

/** Returns the host's synchronous cryptography, if it has any. */
export function nodeCrypto(): { nodeCrypto?: NodeCrypto } {
  const crypto = builtin('node:crypto')
  return crypto === undefined ? {} : { nodeCrypto: crypto }
}

/**
 * Returns a module of Node if available (Node 20.16, Deno 2, Bun 1.1 and later), without an import that other hosts
 * cannot resolve.
 */
function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] | undefined {
  return (
    globalThis as { process?: { getBuiltinModule?: (name: Name) => Builtins[Name] } }
  ).process?.getBuiltinModule?.(name)
}

interface Builtins {
  'node:zlib': typeof import('node:zlib')
  'node:crypto': typeof import('node:crypto')
  'node:buffer': typeof import('node:buffer')
}
