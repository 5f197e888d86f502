import type { NodeCrypto } from '../core/module.ts'

/** SHA-256 by the runtime, several times faster than by the core; `undefined`: the core must compute it. */
type Digest = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array | undefined | Promise<Uint8Array | undefined>

/** Returns a digest by `node:crypto`, by WebCrypto, or one that leaves it to the core. */
export function digestBy({ nodeCrypto }: { readonly nodeCrypto: NodeCrypto | undefined }): Digest {
  if (nodeCrypto?.createHash !== undefined) {
    const { createHash } = nodeCrypto
    return (bytes) => createHash('sha256').update(bytes).digest()
  }
  const { subtle } = (globalThis as { crypto?: { subtle?: SubtleCrypto } }).crypto ?? {}
  if (subtle === undefined) return () => undefined
  // If the runtime fails, the core computes it.
  return async (bytes) => {
    try {
      return new Uint8Array(await subtle.digest('SHA-256', bytes))
    } catch {
      return undefined
    }
  }
}
