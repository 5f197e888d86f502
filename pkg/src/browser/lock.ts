/**
 * Runs work that no other tab runs at the same time. Rejects only as the work does. What cannot be undone begins only where
 * `isHeld()` is true: a tab that was frozen meanwhile may have lost the lock to another.
 */
export type Lock = <T>(work: (isHeld: () => boolean) => Promise<T>) => Promise<T>

/**
 * How long a Web Lock is waited for. A refresh takes less; what holds the lock longer is a frozen tab, a slow issuer or a foreign
 * script. Only the lease tells them apart, so it then decides alone.
 */
const LOCK_WAIT_MS = 2_000
/**
 * After this a tab that has died or is frozen no longer keeps others out. Longer than the work between two calls of `isHeld`: a
 * refresh is given up after 10 s, a storage after 1 s.
 */
const LEASE_MS = 15_000
const LOOK_MS = 50

/** Who wrote a lease: a tab that holds the Web Lock, or one without it. */
type Holder = 'locked' | 'unlocked'

/**
 * By a lease in `localStorage`, under a Web Lock where there is one to be had. The lock makes the lease quick and frees it when
 * its tab dies; the lease makes the lock bounded. Without storage, by the lock alone; without both, within this page only.
 */
export function lockOf(name: string): Lock {
  return async <T>(work: (isHeld: () => boolean) => Promise<T>): Promise<T> => {
    const { locks } = (globalThis.navigator ?? {}) as Partial<Navigator>
    if (locks === undefined) return leased(name, 'unlocked', work)
    let working: Promise<T> | undefined
    try {
      return await locks.request(name, { signal: AbortSignal.timeout(LOCK_WAIT_MS) }, () => (working = leased(name, 'locked', work)))
    } catch {
      // Late or denied. A script that has stolen the lock does not stop the work.
      return working ?? leased(name, 'unlocked', work)
    }
  }
}

async function leased<T>(key: string, holder: Holder, work: (isHeld: () => boolean) => Promise<T>): Promise<T> {
  // No secret: it only has to differ from that of another tab.
  const own: Lease = { id: `${Math.random()}`, holder }
  const deadline = performance.now() + 2 * LEASE_MS
  try {
    while (!(await take(key, own)) && performance.now() < deadline) await pause()
  } catch {
    // Storage is full or denied.
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

/** Storage knows no compare-and-swap: without the lock, the last one to write has it, and looks again after a moment. */
async function take(key: string, own: Lease): Promise<boolean> {
  const isLocked = own.holder === 'locked'
  const other = read(key)
  // The Web Lock was given to this tab, so a lease that was taken under it is of a tab that has died.
  if (other !== undefined && !(isLocked && other.holder === 'locked')) return false
  write(key, own)
  if (isLocked) return true
  await pause()
  return read(key)?.id === own.id
}

/** Whether no other tab has the lease; from now on it lasts its full time again. */
function renew(key: string, own: Lease): boolean {
  try {
    if ((read(key) ?? own).id !== own.id) return false
    write(key, own)
  } catch {}
  return true
}

/** What cannot be released runs out. */
function release(key: string, own: Lease): void {
  try {
    if (renew(key, own)) globalThis.localStorage.removeItem(key)
  } catch {}
}

/** The lease that is in force. */
function read(key: string): Lease | undefined {
  const [id = '', until, holder = ''] = (globalThis.localStorage.getItem(key) ?? '').split(' ')
  const leftMs = Number(until) - Date.now()
  // Far in the future it was written by a clock that was wrong.
  return leftMs > 0 && leftMs <= LEASE_MS ? { id, holder } : undefined
}

function write(key: string, { id, holder }: Lease): void {
  globalThis.localStorage.setItem(key, `${id} ${Date.now() + LEASE_MS} ${holder}`)
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK_MS))
}
