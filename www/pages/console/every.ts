/**
 * Calls `work` now, and again `seconds` after each call has ended, until `signal` aborts. Pauses while the page is
 * hidden and calls at once when it is visible again.
 */
export function every(seconds: number, signal: AbortSignal, work: () => Promise<void>): void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let working = false

  async function turn(): Promise<void> {
    clearTimeout(timer)
    if (signal.aborted || working || document.hidden) return
    working = true
    await work().finally(() => (working = false))
    if (!signal.aborted) timer = setTimeout(() => void turn(), seconds * 1000)
  }

  document.addEventListener('visibilitychange', () => void turn(), { signal })
  signal.addEventListener('abort', () => clearTimeout(timer))
  void turn()
}
