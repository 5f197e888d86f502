// A small plot over time, drawn by uPlot, with the latest value beside it as text.

import uPlot from 'uplot'
import { h, say } from '../parts/dom.ts'

interface PlotOptions {
  title: string
  /** Explains the value and which values are good. */
  hint: string
  /** Formats a value, such as `84 ms`. */
  words: (value: number) => string
  /** The time span of the plot. */
  windowSeconds: number
  /** The minimum for the top of the value axis. */
  leastTop: number
  /** Connects the measurements by a line, or draws separate points. */
  shape: 'line' | 'points'
}

const HEIGHT_PX = 112

const DARK = matchMedia('(prefers-color-scheme: dark)')

export class Plot {
  readonly element: HTMLElement
  readonly #options: PlotOptions
  readonly #latest = h('output', { class: 'plot-value' }, '–')
  readonly #place = h('div', { class: 'plot-canvas', 'aria-hidden': true })
  readonly #times: number[] = []
  readonly #values: number[] = []
  #drawn: uPlot | undefined

  constructor(options: PlotOptions, signal: AbortSignal) {
    this.#options = options
    this.element = h(
      'figure',
      { class: 'plot' },
      h(
        'figcaption',
        {},
        h('span', { class: 'plot-title' }, options.title),
        this.#latest,
        h('span', { class: 'hint' }, options.hint),
      ),
      this.#place,
    )
    // It changes constantly, so screen readers must not announce it.
    this.#latest.setAttribute('aria-live', 'off')
    const resized = new ResizeObserver(() => this.#fit())
    resized.observe(this.#place)
    DARK.addEventListener('change', () => this.#draw(), { signal })
    signal.addEventListener('abort', () => {
      resized.disconnect()
      this.#drawn?.destroy()
    })
  }

  /** Adds a measurement taken now. */
  add(value: number): void {
    const now = Date.now() / 1000
    this.#times.push(now)
    this.#values.push(value)
    while ((this.#times[0] ?? now) < now - this.#options.windowSeconds) {
      this.#times.shift()
      this.#values.shift()
    }
    this.missing(this.#options.words(value))
  }

  /** Shows that the measurement is missing; `words` give the reason. */
  missing(words: string): void {
    say(this.#latest, words)
    this.#drawn?.setData([this.#times, this.#values])
  }

  #fit(): void {
    const width = this.#place.clientWidth
    if (width === 0) return
    if (this.#drawn === undefined) this.#draw()
    else this.#drawn.setSize({ width, height: HEIGHT_PX })
  }

  /** Redraws it in the current colours of the page. */
  #draw(): void {
    this.#drawn?.destroy()
    const { windowSeconds, leastTop, shape, words } = this.#options
    const colours = getComputedStyle(document.documentElement)
    const colour = (name: string): string => colours.getPropertyValue(name).trim()
    const axis = {
      stroke: colour('--ink-soft'),
      font: `11px ${colour('--sans')}`,
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
    }
    const accent = colour('--accent')
    const options: uPlot.Options = {
      width: this.#place.clientWidth,
      height: HEIGHT_PX,
      padding: [8, 24, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: true, range: () => [Date.now() / 1000 - windowSeconds, Date.now() / 1000] },
        y: { range: (_plot, _least, most) => [0, Math.max(leastTop, (most ?? 0) * 1.15)] },
      },
      axes: [
        { ...axis, size: 28, gap: 6, space: 80, values: (_plot, times) => times.map(clockTime) },
        { ...axis, size: 58, space: 34, values: (_plot, values) => values.map(words) },
      ],
      series: [
        {},
        shape === 'line'
          ? { stroke: accent, width: 2, points: { show: false } }
          : { stroke: accent, width: 0, points: { show: true, size: 7, fill: accent, stroke: accent } },
      ],
    }
    this.#drawn = new uPlot(options, [this.#times, this.#values], this.#place)
  }
}

const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })

function clockTime(seconds: number): string {
  return CLOCK.format(new Date(seconds * 1000))
}
