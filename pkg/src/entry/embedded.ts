import { Buffer } from 'node:buffer'
import { inflateRawSync } from 'node:zlib'
import { PortcullisError } from '../errors.ts'
import { hasSimd } from './simd.ts'

/** Compiles a module of `wasm/<module>/embedded.js`. It is embedded in the code, so it survives bundling. */
export function compileEmbedded(base64: string): WebAssembly.Module {
  return new WebAssembly.Module(inflateRawSync(Buffer.from(base64, 'base64')))
}

/** Compiles a module with SIMD. Throws `not_loaded` with `remedy` if the engine lacks SIMD. */
export function compileWithSimd(base64: string, remedy: string): WebAssembly.Module {
  if (!hasSimd()) throw new PortcullisError('not_loaded', `this engine has no wasm SIMD, which ${remedy}`)
  return compileEmbedded(base64)
}
