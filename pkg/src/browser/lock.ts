import { browser } from './page.ts'

/**
 * Runs work while no other tab runs it. Rejects only if the work does. The work must check `isHeld()` right before a
 * step that cannot be undone, because a tab that was frozen may have lost the lock.
 */
export type Lock = <T>(work: (isHeld: () => boolean) => Promise<T>) => Promise<T>

/**
 * Maximum wait for the Web Lock. A refresh normally takes less; a longer hold means a slow issuer, a frozen tab or a
 * foreign script. The lease can tell these apart, so from then on it decides alone.
 */
const LOCK_WAIT_MS = 2_000
/**
 * Time after which a dead or frozen tab no longer excludes others. It exceeds the work after `isHeld()`: a refresh is
 * abandoned after 10 s, a storage call after 1 s.
 */
const LEASE_MS = 15_000
const LOOK_MS = 50

/** Who wrote a lease: a tab that holds the Web Lock, or one without it. */
type Holder = 'locked' | 'unlocked'

/**
 * Returns a lock made of a lease in `localStorage` and, where available, a Web Lock around it. The Web Lock makes the
 * lease immediate and voids it when its tab dies; the lease bounds the Web Lock. Without storage the Web Lock is used
 * alone. Without either, the lock only excludes work in this page.
 */
export function lockOf(name: string): Lock {
  return async <T>(work: (isHeld: () => boolean) => Promise<T>): Promise<T> => {
    const { locks } = (browser().navigator ?? {}) as Partial<Navigator>
    if (locks === undefined) return leased(name, 'unlocked', work)
    let working: Promise<T> | undefined
    const waiting = new AbortController()
    const timer = setTimeout(() => waiting.abort(), LOCK_WAIT_MS)
    try {
      return await locks.request(name, { signal: waiting.signal }, () => {
        clearTimeout(timer)
        return (working = leased(name, 'locked', work))
      })
    } catch {
      // The wait for the Web Lock timed out or was denied, or the lock was stolen, which does not stop the work.
      clearTimeout(timer)
      return working ?? leased(name, 'unlocked', work)
    }
  }
}

async function leased<T>(key: string, holder: Holder, work: (isHeld: () => boolean) => Promise<T>): Promise<T> {
  // Not a secret: it only has to differ between tabs.
  const own: Lease = { id: String(Math.random()), holder }
  const deadline = performance.now() + 2 * LEASE_MS
  try {
    while (!(await take(key, own)) && performance.now() < deadline) await pause()
  } catch {
    // Storage is full, denied or missing.
    return work(() => true)
  }
  try {
    return await work(() => renew(key, own))
  } finally {
    release(key, own)
  }
}

interface Lease {
  id: string
  holder: string
}

/**
 * Writes the lease and returns whether this tab has it. Storage has no compare-and-swap: without the Web Lock the last
 * writer wins, so the lease is checked again after a pause.
 */
async function take(key: string, own: Lease): Promise<boolean> {
  const isLocked = own.holder === 'locked'
  const other = read(key)
  // This tab holds the Web Lock, so a lease taken under it was left by a tab that died.
  if (other !== undefined && !(isLocked && other.holder === 'locked')) return false
  write(key, own)
  if (isLocked) return true
  await pause()
  return read(key)?.id === own.id
}

/** Returns whether no other tab has the lease, and extends it to its full time. */
function renew(key: string, own: Lease): boolean {
  try {
    if ((read(key) ?? own).id !== own.id) return false
    write(key, own)
  } catch {}
  return true
}

/** Releases the lease. If that fails, the lease expires. */
function release(key: string, own: Lease): void {
  try {
    if (renew(key, own)) leases().removeItem(key)
  } catch {}
}

/** Returns the lease in force. */
function read(key: string): Lease | undefined {
  const [id = '', until, holder = ''] = (leases().getItem(key) ?? '').split(' ')
  const leftMs = Number(until) - Date.now()
  // A lease far in the future was written under a wrong clock.
  return leftMs > 0 && leftMs <= LEASE_MS ? { id, holder } : undefined
}

function write(key: string, { id, holder }: Lease): void {
  leases().setItem(key, `${id} ${Date.now() + LEASE_MS} ${holder}`)
}

/** Throws if storage is denied. If it is missing, using the result throws. */
function leases(): Storage {
  return browser().localStorage as Storage
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK_MS))
}
