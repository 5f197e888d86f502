// Imported first: records what a module does while it loads, with the globals that a server may share between all its
// users.

export const recorded: string[] = []

/** Stands for the runtime's own, also where it has none. */
class RecordingChannel extends EventTarget {
  constructor(name: string) {
    super()
    recorded.push(`BroadcastChannel ${name}`)
  }
  postMessage(): void {}
  close(): void {}
}

/** Timers that are still to come: they would keep a process alive. */
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
