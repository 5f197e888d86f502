import { PortcullisError } from '../errors.ts'
import { isAboutOtherUses } from '../jwks/skipped-keys.ts'
import type { GateOptions, Report } from '../types.ts'

/** Minimum interval at which the default reporter repeats one kind and code of report about one realm. */
const REPEAT_MS = 60_000
/** Maximum number of such reports that are remembered: names of realms may come and go. */
const MAX_WARNED = 1000

export type Reporter = (kind: Report['kind'], realm: string, error: unknown) => void

/** Wraps the operator's current listener so that it cannot fail a request. Default: the console, at a bounded rate. */
export function reporter(settings: { readonly onReport: GateOptions['onReport'] | undefined }): Reporter {
  const warn = rateLimitedWarn()
  return (kind, realm, error) => {
    const listener = settings.onReport ?? warn
    try {
      listener({ kind, realm, error: asPortcullisError(error) })
    } catch {
      // A failing listener must not fail the request.
    }
  }
}

function rateLimitedWarn(): (report: Report) => void {
  const warnedAtMs = new Map<string, number>()
  return ({ kind, realm, error }) => {
    if (isAboutOtherUses(error)) return
    const key = `${kind} ${error.code} ${realm}`
    const now = Date.now()
    if (now - (warnedAtMs.get(key) ?? -Infinity) < REPEAT_MS) return
    warnedAtMs.delete(key)
    warnedAtMs.set(key, now)
    // A Map keeps insertion order: oldest first.
    for (const oldest of warnedAtMs.keys()) {
      if (warnedAtMs.size <= MAX_WARNED) break
      warnedAtMs.delete(oldest)
    }
    console.warn(`portcullis: ${kind} of realm ${realm}: ${error.message} (${error.detail ?? error.code})`)
  }
}

function asPortcullisError(error: unknown): PortcullisError {
  return error instanceof PortcullisError
    ? error
    : new PortcullisError('fault', 'unexpected failure: see the cause', { cause: error })
}
