import { calculateJwkThumbprint, type JWK as JoseJwk } from 'jose'
import { PortcullisError } from '../../errors.ts'
import type { JWK } from '../../types.ts'
import type { Act } from '../store/audit-entry.ts'
import type { AuditLog } from '../audit/log.ts'
import type { LedgerCore } from '../core/ledger.ts'
import type { RealmFeed } from '../feed/realm-feed.ts'
import type { OriginGate } from '../gate/gate.ts'
import { checkSigningKey } from '../settings.ts'

interface RotationOptions {
  gate: OriginGate
  ledgers: ReadonlyMap<string, LedgerCore>
  feeds: ReadonlyMap<string, RealmFeed>
  audit: AuditLog
}

/**
 * Signs every realm's feed with another key, as `Origin.rotateSigningKey` does. Rejects with `invalid_option`; then
 * nothing has changed.
 */
export async function rotateSigningKey(
  { gate, ledgers, feeds, audit }: RotationOptions,
  signingKey: JWK,
  act: Act = {},
): Promise<void> {
  checkSigningKey(signingKey)
  const publicKey = publicKeyOf(signingKey)
  const subject = await calculateJwkThumbprint(publicKey as JoseJwk)
  // The first ledger refuses every key that the others would refuse.
  for (const ledger of ledgers.values()) signBy(ledger, signingKey)
  gate.pin(publicKey)
  for (const feed of feeds.values()) feed.resign()
  for (const realm of ledgers.keys()) await audit.note({ ...act, realm, action: 'feed_key_rotated', subject })
}

function signBy(ledger: LedgerCore, signingKey: JWK): void {
  try {
    ledger.setSigningKey(signingKey)
  } catch (cause) {
    throw new PortcullisError(
      'invalid_option',
      'signingKey was refused: it must be a private Ed25519 key whose x matches its d',
      { cause },
    )
  }
}

export function publicKeyOf({ kty, crv, x }: JWK): JWK {
  return { kty, crv: crv ?? '', x: x ?? '' }
}
