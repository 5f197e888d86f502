// All modules but the slim one use SIMD (WebAssembly 2.0, `v128`), which engines lack on processors from before 2008.
// The slim one uses the edge module's bindings.

/** A module with one function that returns a vector: it is valid only on engines with SIMD. */
const ANSWERS_VECTOR: Uint8Array<ArrayBuffer> = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  // The type (no parameters, one v128 result) and the function of that type.
  ...[0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b],
  ...[0x03, 0x02, 0x01, 0x00],
  // Its code: no locals, i32.const 0, i8x16.splat, end.
  ...[0x0a, 0x08, 0x01, 0x06, 0x00, 0x41, 0x00, 0xfd, 0x0f, 0x0b],
)

/** Returns whether this engine has wasm SIMD. */
export function hasSimd(): boolean {
  return WebAssembly.validate(ANSWERS_VECTOR)
}
