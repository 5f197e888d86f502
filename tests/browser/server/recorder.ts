// Imported first: records how a module uses globals while it loads, because a server may share them between all its
// users.

export const recorded: string[] = []

/** Replaces the runtime's BroadcastChannel, or provides one. */
class RecordingChannel extends EventTarget {
  constructor(name: string) {
    super()
    recorded.push(`BroadcastChannel ${name}`)
  }
  postMessage(): void {}
  close(): void {}
}

/** Pending timers, which would keep a process alive. */
export const pending = new Set<unknown>()

const { setTimeout, clearTimeout, setInterval, fetch } = globalThis

function recordingTimeout(act: () => void, ms?: number): unknown {
  recorded.push('setTimeout')
  const timer = setTimeout(() => {
    pending.delete(timer)
    act()
  }, ms)
  pending.add(timer)
  return timer
}

function recordingClear(timer: ReturnType<typeof setTimeout> | undefined): void {
  pending.delete(timer)
  clearTimeout(timer)
}

function recording<F extends (...given: never[]) => unknown>(name: string, original: F): F {
  return ((...given: never[]) => {
    recorded.push(name)
    return original(...given)
  }) as F
}

const shared = (name: string): object => ({ get: () => (recorded.push(name), undefined), configurable: true })

Object.defineProperties(globalThis, {
  fetch: { value: recording('fetch', fetch), configurable: true, writable: true },
  setTimeout: { value: recordingTimeout, configurable: true, writable: true },
  clearTimeout: { value: recordingClear, configurable: true, writable: true },
  setInterval: { value: recording('setInterval', setInterval), configurable: true, writable: true },
  BroadcastChannel: { value: RecordingChannel, configurable: true, writable: true },
  localStorage: shared('localStorage'),
  sessionStorage: shared('sessionStorage'),
})
