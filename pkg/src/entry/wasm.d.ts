/** The value of such an import in a runtime with WebAssembly modules. */
declare module '*.wasm' {
  const module: WebAssembly.Module
  export default module
}

/** The same in runtimes of Vercel's, and wherever `unwasm` bundles. */
declare module '*.wasm?module' {
  const module: WebAssembly.Module
  export default module
}

/** A module as text, written by `packaging/embed.ts`. */
declare module '*/embedded.js' {
  /** The module, by raw DEFLATE (RFC 1951) and base64 (RFC 4648 §4). */
  export const base64: string
}
