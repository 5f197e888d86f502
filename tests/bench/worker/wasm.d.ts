/** The type of a wasm import in workerd. */
declare module '*.wasm' {
  const module: WebAssembly.Module
  export default module
}
