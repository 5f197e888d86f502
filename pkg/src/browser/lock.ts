/** Runs work that no other tab runs at the same time. Rejects only as the work does. */
export type Lock = <T>(work: () => Promise<T>) => Promise<T>

/** After this a tab that has died no longer keeps others out; the work is shorter. */
const LEASE_MS = 15_000
const LOOK_MS = 50

/** By Web Locks; where they are missing or denied by a lease in `localStorage`; without that within this page only. */
export function lockOf(channel: string): Lock {
  return async (work) => {
    const { locks } = (globalThis.navigator ?? {}) as Partial<Navigator>
    if (locks === undefined) return leased(channel, work)
    let began = false
    try {
      return await locks.request(`${channel}:refresh`, () => {
        began = true
        return work()
      })
    } catch (error) {
      if (began) throw error
      return leased(channel, work)
    }
  }
}

async function leased<T>(channel: string, work: () => Promise<T>): Promise<T> {
  const key = `${channel}:refresh`
  // `randomUUID` is for secure contexts only, and so are Web Locks: where those are missing, it is missing.
  const own = crypto.getRandomValues(new Uint32Array(4)).join('-')
  const deadline = Date.now() + 2 * LEASE_MS
  try {
    while (!(await lease(key, own)) && Date.now() < deadline) await pause()
  } catch {
    // Storage is full or denied.
    return work()
  }
  try {
    return await work()
  } finally {
    release(key, own)
  }
}

/** What cannot be released runs out. */
function release(key: string, own: string): void {
  try {
    if (holder(key)?.id === own) globalThis.localStorage.removeItem(key)
  } catch {}
}

/** Storage knows no compare-and-swap: the last one to write has it, and looks again after a moment. */
async function lease(key: string, own: string): Promise<boolean> {
  const other = holder(key)
  // Far in the future it was written by a clock that was wrong.
  if (other !== undefined && other.until > Date.now() && other.until <= Date.now() + LEASE_MS) return false
  globalThis.localStorage.setItem(key, `${own} ${Date.now() + LEASE_MS}`)
  await pause()
  return holder(key)?.id === own
}

function holder(key: string): { id: string; until: number } | undefined {
  const [id, until] = (globalThis.localStorage.getItem(key) ?? '').split(' ')
  return id === undefined || until === undefined ? undefined : { id, until: Number(until) }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK_MS))
}
