/**
 * Returns the globals of a browser, or an empty object on a server, where all users of the process would share
 * channels, storage and locks. Pages and workers of a browser have a `location`.
 */
export function browser(): Partial<typeof globalThis> {
  return globalThis.location === undefined ? {} : globalThis
}

/** Adds an event listener if there is a page. Returns a function that removes it. */
export function listen<E extends Event>(
  name: string,
  listener: (event: E) => void,
  target: Partial<EventTarget> | undefined = browser(),
): () => void {
  target?.addEventListener?.(name, listener as (event: Event) => void)
  return () => target?.removeEventListener?.(name, listener as (event: Event) => void)
}
