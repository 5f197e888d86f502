import { PortcullisError } from '../../errors.ts'
import { fromHex } from '../../hex.ts'
import { invalid } from '../../options.ts'
import { issuerNames } from '../../issuer-names.ts'
import { corePolicy } from '../../policy.ts'
import { createLedger } from '../core/guarded-ledger.ts'
import type { LedgerCore } from '../core/ledger.ts'
import { PageMaker, PagedRows, type RowPage } from '../store/row-pages.ts'
import type { RealmSettings, Settings } from '../settings.ts'
import type { StoredRealm, StoredRow } from '../store/store.ts'

/** Restores the ledger of every realm from the store, which must be open, and creates those of new realms. */
export async function openLedgers(settings: Settings): Promise<Map<string, LedgerCore>> {
  const ledgers = new Map<string, LedgerCore>()
  try {
    const unknown: RealmSettings[] = []
    let incarnation = settings.incarnation ?? 0
    for (const realm of settings.realms) {
      const stored = await settings.store.load(realm.name)
      if (stored === undefined) {
        unknown.push(realm)
        continue
      }
      const own = stored.head.incarnation
      ledgers.set(realm.name, await openLedger(settings, realm, stored, settings.incarnation ?? own))
      incarnation = Math.max(incarnation, own)
    }
    // A realm that the store does not know may be one that a restored backup has lost.
    for (const realm of unknown) ledgers.set(realm.name, await openLedger(settings, realm, undefined, incarnation))
    return new Map(settings.realms.flatMap(({ name }) => [...ledgers].filter(([realm]) => realm === name)))
  } catch (error) {
    for (const ledger of ledgers.values()) ledger.free()
    throw error
  }
}

async function openLedger(
  settings: Settings,
  realm: RealmSettings,
  stored: StoredRealm | undefined,
  incarnation: number,
): Promise<LedgerCore> {
  const { store, signingKey, leewaySeconds, skewSeconds, errorRate, validForSeconds } = settings
  const { name, maxLifetimeSeconds, issuerSkewSeconds, sourceSkewSeconds } = realm
  const issuer = issuerNames(realm).id
  const option = `options.realms[${settings.realms.indexOf(realm)}]`
  if (stored !== undefined && stored.head.issuer !== issuer) {
    throw invalid(
      `${option}.issuer: in the store, realm ${name} belongs to another issuer: give the new issuer's realm another name, or this origin another store`,
    )
  }
  if (stored !== undefined && incarnation < stored.head.incarnation) {
    throw invalid(
      `options.incarnation must be ${stored.head.incarnation} or more: the store is already there with realm ${name}`,
    )
  }
  const ledger = createLedger(name, {
    issuer,
    signingKey,
    leewaySeconds,
    skewSeconds,
    maxLifetimeSeconds,
    issuerSkewSeconds,
    sourceSkewSeconds,
    errorRate,
    validForSeconds,
    incarnation,
    policy: corePolicy(realm),
    ...(realm.compare === 'authTime' ? { maxSessionSeconds: realm.maxSessionSeconds } : {}),
  })
  try {
    if (stored !== undefined) await restore(ledger, name, stored)
    const { sequence, chain } = ledger.head()
    if (stored?.head.incarnation !== incarnation || stored.head.sequence !== sequence) {
      await store.setHead(name, { issuer, incarnation, sequence, chain: fromHex(chain) })
    }
    return ledger
  } catch (error) {
    ledger.free()
    throw error
  }
}

async function restore(ledger: LedgerCore, realm: string, { head, rows }: StoredRealm): Promise<void> {
  try {
    if (rows instanceof PagedRows) for (const page of rows.pages()) restorePage(ledger, page)
    else await restoreRows(ledger, rows)
    ledger.restoreHead(head.sequence, head.chain)
  } catch (cause) {
    if (cause instanceof PortcullisError) throw cause
    throw new PortcullisError(
      'store_corrupt',
      `realm ${realm}: the stored rows and head do not match: restore a backup`,
      { cause },
    )
  }
}

async function restoreRows(ledger: LedgerCore, rows: StoredRealm['rows']): Promise<void> {
  const maker = new PageMaker()
  const take = (row: StoredRow): void => {
    maker.add(row)
    if (maker.isFull) restorePage(ledger, maker.take())
  }
  // Awaiting each of a million available rows takes longer than restoring them.
  if (Symbol.iterator in rows) for (const row of rows) take(row)
  else for await (const row of rows) take(row)
  restorePage(ledger, maker.take())
}

function restorePage(ledger: LedgerCore, { sequences, lengths, contents }: RowPage): void {
  ledger.restorePage(sequences, lengths, contents)
}
