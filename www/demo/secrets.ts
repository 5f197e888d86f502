// Secrets of the demo, generated at the first start and kept in its folder.

import { generateFeedKey, type JWK } from 'portcullis/origin'
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

interface Secrets {
  /** Signs the feed. Only the origin has it. */
  signingKey: JWK
  /** The edge's secret for acknowledgements. */
  edgeSecret: string
  /** Symmetric key of the in-house issuer; origin and edge verify with it. */
  inhouseKey: JWK
}

/** Reads the secrets of a folder or generates them. The feed's public key goes into a file of its own, for edges. */
export async function openSecrets(folder: string): Promise<Secrets> {
  const file = join(folder, 'secrets.json')
  const kept = await readFile(file, 'utf8').catch(() => undefined)
  if (kept !== undefined) return JSON.parse(kept) as Secrets
  const { signingKey, publicKey } = await generateFeedKey()
  const secrets: Secrets = {
    signingKey,
    edgeSecret: randomBytes(32).toString('base64url'),
    inhouseKey: { kty: 'oct', alg: 'HS256', kid: '12345', k: randomBytes(32).toString('base64url') },
  }
  await writeFile(join(folder, 'feed-key.public.json'), JSON.stringify(publicKey))
  await writeFile(file, JSON.stringify(secrets), { mode: 0o600 })
  return secrets
}
