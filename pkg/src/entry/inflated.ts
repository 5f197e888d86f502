/** Inflates a module of `wasm/<module>/embedded.js`, using APIs that every host has. */
export async function inflated(base64: string): Promise<ArrayBuffer> {
  const compressed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  return new Response(new Blob([compressed]).stream().pipeThrough(new DecompressionStream('deflate-raw'))).arrayBuffer()
}
