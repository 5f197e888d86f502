import { invalid } from '../../options.ts'
import type { EdgeRegistry } from '../feed/edge-registry.ts'
import { type Enforcement, MAX_WAIT_MS, type Recorded } from '../api.ts'

/** Waits until all edges have acknowledged a revocation, as `Origin.enforced` does. Rejects with `invalid_option`. */
export async function enforced(
  edges: EdgeRegistry,
  recorded: Omit<Recorded, 'changed'>,
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal },
): Promise<Enforcement> {
  const { realm, sequence, leastMinor } = recorded
  if (!Number.isSafeInteger(sequence) || sequence < 0) throw invalid('recorded must be the result of a revocation')
  if (!(timeoutMs >= 0 && timeoutMs <= MAX_WAIT_MS))
    throw invalid(`timeoutMs must be a number of milliseconds, 0 to ${MAX_WAIT_MS}`)
  const startedAtMs = performance.now()
  await edges.enforced(recorded, timeoutMs, signal)
  const missing = edges.missing(realm, sequence, leastMinor)
  const elapsedMs = Math.round(performance.now() - startedAtMs)
  return { sequence, enforced: edges.total - missing.length, total: edges.total, elapsedMs, missing }
}
