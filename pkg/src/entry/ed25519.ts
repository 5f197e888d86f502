/**
 * Which verifies EdDSA faster, host or core, on a runtime with `node:` modules; the figures are in
 * `core/host-signatures.ts`.
 */
export function fasterEd25519(): 'core' | 'host' {
  return 'Deno' in globalThis || 'Bun' in globalThis ? 'host' : 'core'
}
