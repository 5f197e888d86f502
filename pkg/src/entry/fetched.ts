import { PortcullisError } from '../errors.ts'
import { inflated } from './inflated.ts'

/**
 * Compiles the module file at the code's location. If a bundler has lost the file, or a server responds with an HTML
 * page, the copy embedded in the code is loaded. `new URL` and `import` must be written in the entries, where bundlers
 * detect them.
 */
export async function compileFetched(
  file: () => URL,
  copy: () => Promise<{ base64: string }> = noCopy,
): Promise<WebAssembly.Module> {
  try {
    return await compileResponse(await fetch(file()))
  } catch (cause) {
    const loaded = await copy().catch(() => undefined)
    if (loaded === undefined) throw new PortcullisError('not_loaded', NOT_SERVED, { cause })
    return WebAssembly.compile(await inflated(loaded.base64))
  }
}

const NOT_SERVED = 'the wasm module could not be loaded: serve all files that the bundler wrote, including .wasm files'

function noCopy(): Promise<never> {
  return Promise.reject(new Error('no copy'))
}

/**
 * Compiles a response. Servers send various types for a `.wasm` file; streaming compilation only accepts the correct
 * one.
 */
async function compileResponse(response: Response): Promise<WebAssembly.Module> {
  const isTyped = response.headers.get('content-type') === 'application/wasm'
  return isTyped ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer())
}
