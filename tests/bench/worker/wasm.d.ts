/** The value of such an import in workerd. */
declare module '*.wasm' {
  const module: WebAssembly.Module
  export default module
}
