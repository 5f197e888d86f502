import { host } from '../core/core.ts'

/** SHA-256 by the host, which is several times faster at it than the core; `undefined` where it has none. */
export type Digest = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array | undefined | Promise<Uint8Array | undefined>

/** Picks the host's: `node:crypto`, WebCrypto, or nobody. */
export function digester(): Digest {
  const { nodeCrypto } = host()
  if (nodeCrypto?.createHash !== undefined) {
    const { createHash } = nodeCrypto
    return (bytes) => createHash('sha256').update(bytes).digest()
  }
  const { subtle } = (globalThis as { crypto?: { subtle?: SubtleCrypto } }).crypto ?? {}
  if (subtle === undefined) return () => undefined
  // A host that fails leaves it to the core.
  return async (bytes) => {
    try {
      return new Uint8Array(await subtle.digest('SHA-256', bytes))
    } catch {
      return undefined
    }
  }
}
