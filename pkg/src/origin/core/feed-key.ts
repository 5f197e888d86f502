import { generateFeedKey as generate } from '../../../wasm/origin/core.js'
import type { JWK } from '../../types.ts'
import { host } from './module.ts'

/**
 * Generates an Ed25519 key pair for signing feeds. `signingKey` is the origin's secret; `publicKey` goes to every gate
 * (`feed.keys`).
 */
export async function generateFeedKey(): Promise<{ signingKey: JWK; publicKey: JWK }> {
  host()
  return generate() as { signingKey: JWK; publicKey: JWK }
}
