// A clock for tests that need a certain time.

/**
 * Sets `Date` to `unixSeconds`; it keeps running from there. Timers are not changed. Returns a function that restores
 * the clock.
 */
export function setClock(unixSeconds: number): () => void {
  const Host = globalThis.Date
  const offsetMs = unixSeconds * 1000 - Host.now()
  globalThis.Date = new Proxy(Host, {
    construct: (target, parameters, newTarget) =>
      Reflect.construct(target, parameters.length === 0 ? [Host.now() + offsetMs] : parameters, newTarget) as object,
    get: (target, name) => (name === 'now' ? () => Host.now() + offsetMs : (Reflect.get(target, name) as unknown)),
  })
  return () => {
    globalThis.Date = Host
  }
}
