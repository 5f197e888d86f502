/** How a wait ended. */
export type Ending = 'done' | 'failed' | 'late'

/** Waits for a promise, but no longer than `ms`. Its failure is an ending, not an error. */
export function within(promise: Promise<unknown>, ms: number): Promise<Ending> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('late'), ms)
    const end = (ending: Ending) => {
      clearTimeout(timer)
      resolve(ending)
    }
    promise.then(
      () => end('done'),
      () => end('failed'),
    )
  })
}

/** A pause that `signal` may cut short. It does not keep a process alive where the host can tell timers so. */
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
