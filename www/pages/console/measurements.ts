// Measurements without a login: from the origin's /metrics and the edge's status.

import { ask, type Demo } from '../parts/api.ts'

/** A measurement, or the reason why it is missing. */
export type Measured = { value: number } | { missing: string; again: 'later' | 'never' }

/**
 * Returns how full the fullest filter of token ids is, 0 to 1 (`portcullis_filter_fill_ratio`). Filters are built for
 * manifests, so ids that have only been sent in deltas are not counted yet.
 */
export async function filterFill({ realm }: Demo): Promise<Measured> {
  const response = await fetch('/metrics', { cache: 'no-store', credentials: 'omit' }).catch(() => undefined)
  if (response === undefined) return { missing: 'The origin cannot be reached.', again: 'later' }
  if (response.status === 401 || response.status === 403) {
    return { missing: 'The origin serves its metrics to its own machine only.', again: 'never' }
  }
  const value = sampleOf(await response.text().catch(() => ''), `portcullis_filter_fill_ratio{realm="${realm}"}`)
  return value === undefined ? { missing: 'The origin’s metrics do not include it.', again: 'later' } : { value }
}

/** Returns the seconds since the origin signed the statement that the edge holds. */
export async function feedAgeSeconds({ edge }: Demo): Promise<Measured> {
  const answer = await ask(`${edge}/portcullis/status`).catch(() => undefined)
  if (answer === undefined) return { missing: 'The edge cannot be reached.', again: 'later' }
  const { ageSeconds } = (answer.body ?? {}) as { ageSeconds?: unknown }
  return typeof ageSeconds === 'number'
    ? { value: ageSeconds }
    : { missing: 'The edge has no feed yet.', again: 'later' }
}

/** Finds one sample in OpenMetrics text. */
function sampleOf(text: string, series: string): number | undefined {
  const line = text.split('\n').find((each) => each.startsWith(`${series} `))
  const value = Number(line?.slice(series.length + 1))
  return line !== undefined && Number.isFinite(value) ? value : undefined
}
