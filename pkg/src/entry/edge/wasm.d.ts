/** The value of such an import in a runtime with WebAssembly modules. */
declare module '*.wasm' {
  const module: WebAssembly.Module
  export default module
}
