import { PortcullisError } from '../errors.ts'
import { inflated } from './inflated.ts'

/**
 * Compiles the module in the file beside the code. Where a bundler has lost the file, or a server answers it with a
 * page, the copy in the code is loaded. `new URL` and `import` must stand in the entries, where bundlers read them.
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

const NOT_SERVED = 'the wasm module could not be loaded: serve all files that the bundler wrote, .wasm files among them'

function noCopy(): Promise<never> {
  return Promise.reject(new Error('no copy'))
}

/** Servers name the type of a `.wasm` file in many ways; only by the right one is it compiled as it arrives. */
async function compileResponse(response: Response): Promise<WebAssembly.Module> {
  const isTyped = response.headers.get('content-type') === 'application/wasm'
  return isTyped ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer())
}
