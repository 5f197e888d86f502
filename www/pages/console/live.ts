// Live measurements: time to enforcement, fill of the filter, age of the edge's state.

import type { Demo } from '../parts/api.ts'
import { h } from '../parts/dom.ts'
import type { Enforcement } from './administration.ts'
import { every } from './every.ts'
import { feedAgeSeconds, filterFill, type Measured } from './measurements.ts'
import { Plot } from './plot.ts'
import { count } from './words.ts'

interface Live {
  element: HTMLElement
  /** Records a change that was made in this console. */
  enforced(enforcement: Enforcement): void
}

const FEED_AGE_EVERY_SECONDS = 1
const FILTER_FILL_EVERY_SECONDS = 5

/** Measures until `signal` aborts. */
export function openLive(demo: Demo, signal: AbortSignal): Live {
  const enforcement = new Plot(
    {
      title: 'Time to enforcement',
      hint: 'For each change made here: the time until every edge has acknowledged it.',
      words: (milliseconds) => `${count(Math.round(milliseconds))} ms`,
      windowSeconds: 300,
      leastTop: 20,
      shape: 'points',
    },
    signal,
  )
  const fill = new Plot(
    {
      title: 'Filter fill',
      hint: 'Of the fullest filter in the last manifest. At 100\u00a0% it reaches the error rate it was designed for.',
      words: (ratio) => `${(ratio * 100).toFixed(ratio > 0 && ratio < 0.1 ? 2 : 0)}\u00a0%`,
      windowSeconds: 300,
      leastTop: 0.001,
      shape: 'line',
    },
    signal,
  )
  const age = new Plot(
    {
      title: 'Feed age',
      hint: 'Age of the latest origin statement that the edge holds. Beyond 60 s the edge refuses all tokens.',
      words: (seconds) => `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`,
      windowSeconds: 120,
      leastTop: 2,
      shape: 'line',
    },
    signal,
  )
  enforcement.missing('no change made yet')
  measure(age, FEED_AGE_EVERY_SECONDS, signal, () => feedAgeSeconds(demo))
  measure(fill, FILTER_FILL_EVERY_SECONDS, signal, () => filterFill(demo))
  return {
    element: h(
      'aside',
      { class: 'live', 'aria-labelledby': 'live-title' },
      h('h2', { id: 'live-title' }, 'Live'),
      enforcement.element,
      fill.element,
      age.element,
    ),
    enforced({ elapsedMs, missing, enforced, total }) {
      if (total > 0 && missing.length === 0) enforcement.add(elapsedMs)
      else enforcement.missing(`${count(enforced)} of ${count(total)} edges after ${count(elapsedMs)} ms`)
    },
  }
}

function measure(plot: Plot, seconds: number, signal: AbortSignal, read: () => Promise<Measured>): void {
  const stopped = new AbortController()
  every(seconds, AbortSignal.any([signal, stopped.signal]), async () => {
    const measured = await read()
    if ('value' in measured) plot.add(measured.value)
    else plot.missing(measured.missing)
    if ('again' in measured && measured.again === 'never') stopped.abort()
  })
}
