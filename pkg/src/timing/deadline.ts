/** How a wait ended. */
export type WaitOutcome = 'done' | 'failed' | 'late'

/** Waits for a promise, at most `ms`. Never rejects: a failure is an outcome. */
export function within(promise: Promise<unknown>, ms: number): Promise<WaitOutcome> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('late'), ms)
    const end = (outcome: WaitOutcome) => {
      clearTimeout(timer)
      resolve(outcome)
    }
    promise.then(
      () => end('done'),
      () => end('failed'),
    )
  })
}

/** Waits `ms`, or until `signal` aborts. Does not keep a process alive if the runtime can unref timers. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer: ReturnType<typeof setTimeout> = setTimeout(end, ms)
    if (typeof timer === 'object') timer.unref?.()
    if (signal?.aborted) end()
    else signal?.addEventListener('abort', end)
  })
}
