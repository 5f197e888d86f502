/** The value of a wasm import in a runtime with WebAssembly modules. */
declare module '*.wasm' {
  const module: WebAssembly.Module
  export default module
}

/** The same in Vercel's runtimes and in bundles made with `unwasm`. */
declare module '*.wasm?module' {
  const module: WebAssembly.Module
  export default module
}

/** A module as a string, written by `packaging/embed.ts`. */
declare module '*/embedded.js' {
  /** The module, compressed by raw DEFLATE (RFC 1951) and coded as base64 (RFC 4648 §4). */
  export const base64: string
}
