import type { Sample } from './openmetrics.ts'

type Labels = Readonly<Record<string, string>>

/** Sums by label set; they only grow. */
export class Counter {
  readonly #counts = new Map<string, { labels: Labels; value: number }>()

  add(labels: Labels, by: number): void {
    const key = JSON.stringify(labels)
    const count = this.#counts.get(key) ?? { labels, value: 0 }
    count.value += by
    this.#counts.set(key, count)
  }

  samples(): Sample[] {
    return [...this.#counts.values()].map(({ labels, value }) => ({ suffix: '_total', labels, value }))
  }
}

/** Latest values by label set. */
export class Gauge {
  readonly #values = new Map<string, { labels: Labels; value: number }>()

  set(labels: Labels, value: number): void {
    this.#values.set(JSON.stringify(labels), { labels, value })
  }

  samples(): Sample[] {
    return [...this.#values.values()]
  }
}

/** Counts observed values by the lowest bound that they do not exceed. */
export class Histogram {
  readonly #bounds: readonly number[]
  /** One more than the number of bounds: the last one counts everything above them. */
  readonly #counts: number[]
  #sum = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0)
  }

  observe(value: number): void {
    const found = this.#bounds.findIndex((bound) => value <= bound)
    const index = found === -1 ? this.#bounds.length : found
    this.#counts[index] = (this.#counts[index] ?? 0) + 1
    this.#sum += value
  }

  samples(): Sample[] {
    let below = 0
    const buckets = this.#counts.map((count, index): Sample => {
      below += count
      return { suffix: '_bucket', labels: { le: boundText(this.#bounds[index]) }, value: below }
    })
    return [...buckets, { suffix: '_sum', value: this.#sum }, { suffix: '_count', value: below }]
  }
}

/** Formats a bound: canonical numbers have a decimal point (OpenMetrics 1.0 §5.3.3). */
function boundText(bound: number | undefined): string {
  if (bound === undefined) return '+Inf'
  return Number.isInteger(bound) ? bound.toFixed(1) : String(bound)
}
