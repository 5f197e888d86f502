/**
 * Returns which side verifies EdDSA faster on a runtime with `node:` modules, host or core. The figures are in
 * `core/host-signatures.ts`.
 */
export function fasterEd25519(): 'core' | 'host' {
  return 'Deno' in globalThis || 'Bun' in globalThis ? 'host' : 'core'
}
