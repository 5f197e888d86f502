/**
 * Returns the globals of a browser; none on a server, where all users of the process would share a channel, storage and
 * locks. Pages and workers of a browser have a `location`.
 */
export function browser(): Partial<typeof globalThis> {
  return globalThis.location === undefined ? {} : globalThis
}

/** Listens to an event, if there is a page. The returned function ends it. */
export function listen<E extends Event>(
  name: string,
  listener: (event: E) => void,
  target: Partial<EventTarget> | undefined = browser(),
): () => void {
  target?.addEventListener?.(name, listener as (event: Event) => void)
  return () => target?.removeEventListener?.(name, listener as (event: Event) => void)
}
