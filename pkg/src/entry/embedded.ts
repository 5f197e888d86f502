import { Buffer } from 'node:buffer'
import { inflateRawSync } from 'node:zlib'
import { PortcullisError } from '../errors.ts'
import { hasSimd } from './simd.ts'

/** Compiles a module of `wasm/<module>/embedded.js`: it is part of the code, so it survives a bundler. */
export function compileEmbedded(base64: string): WebAssembly.Module {
  return new WebAssembly.Module(inflateRawSync(Buffer.from(base64, 'base64')))
}

/** The same for a module with SIMD. Throws `not_loaded` with `remedy` where the engine has none. */
export function compileWithSimd(base64: string, remedy: string): WebAssembly.Module {
  if (!hasSimd()) throw new PortcullisError('not_loaded', `this engine has no wasm SIMD, which ${remedy}`)
  return compileEmbedded(base64)
}
