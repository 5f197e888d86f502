/**
 * Returns the globals of a browser; none on a server. What they share is shared there by all users of the process: a channel, storage
 * and locks, as far as the runtime has them. Pages and workers have a location.
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
