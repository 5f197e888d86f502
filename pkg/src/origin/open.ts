import { PortcullisError } from '../errors.ts'
import { createLedger, type LedgerCore } from './core.ts'
import type { RealmSettings, Settings } from './settings.ts'

/** A realm's first incarnation. A restored backup goes on in a later one. */
const FIRST_INCARNATION = 0
/** Restores the ledger of every realm from the store, which must be open; new realms begin there. */
export async function openLedgers(settings: Settings): Promise<Map<string, LedgerCore>> {
  const ledgers = new Map<string, LedgerCore>()
  try {
    for (const realm of settings.realms) ledgers.set(realm.name, await openLedger(settings, realm))
    return ledgers
  } catch (error) {
    for (const ledger of ledgers.values()) ledger.free()
    throw error
  }
}

async function openLedger(settings: Settings, realm: RealmSettings): Promise<LedgerCore> {
  const { store, signingKey, leewaySeconds, skewSeconds, errorRate, validForSeconds } = settings
  const { name, issuer, maxLifetimeSeconds, issuerSkewSeconds } = realm
  const stored = await store.load(name)
  if (stored !== undefined && stored.head.issuer !== issuer) {
    throw new PortcullisError(
      'invalid_option',
      `realm ${name}: the store has it for another issuer: give the new issuer's realm another name, or this origin another store`,
    )
  }
  const ledger = createLedger(name, {
    issuer,
    signingKey,
    leewaySeconds,
    skewSeconds,
    maxLifetimeSeconds,
    issuerSkewSeconds,
    errorRate,
    validForSeconds,
    incarnation: stored?.head.incarnation ?? FIRST_INCARNATION,
    ...(realm.compare === 'authTime' ? { maxSessionSeconds: realm.maxSessionSeconds } : {}),
  })
  try {
    if (stored === undefined) {
      const head = ledger.head()
      await store.setHead(name, { issuer, incarnation: FIRST_INCARNATION, sequence: head.sequence, chain: bytesOf(head.chain) })
      return ledger
    }
    try {
      for await (const row of stored.rows) ledger.restore(row.sequence, row.payload, row.chain)
      ledger.restoreHead(stored.head.sequence, stored.head.chain)
    } catch (cause) {
      if (cause instanceof PortcullisError) throw cause
      throw new PortcullisError('store_corrupt', `realm ${name}: what the store holds does not fit together: restore a backup`, { cause })
    }
    return ledger
  } catch (error) {
    ledger.free()
    throw error
  }
}

function bytesOf(hexadecimal: string): Uint8Array {
  return Uint8Array.from(hexadecimal.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}
