/** Listens to an event, if there is a page. The returned function ends it. */
export function listen<E extends Event>(
  name: string,
  listener: (event: E) => void,
  target: EventTarget | undefined = globalThis as unknown as EventTarget,
): () => void {
  target?.addEventListener?.(name, listener as (event: Event) => void)
  return () => target?.removeEventListener?.(name, listener as (event: Event) => void)
}
