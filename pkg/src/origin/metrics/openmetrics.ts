/** The content type (OpenMetrics 1.0 §5.1). */
export const OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/** One metric family, with all its samples. */
export interface Family {
  /** In snake case, ending in the unit if it has one; without `_total`. */
  name: string
  type: 'counter' | 'gauge' | 'histogram' | 'info'
  unit?: string
  help: string
  samples: readonly Sample[]
}

export interface Sample {
  /**
   * The suffix that the type requires: `_total` of a counter, `_info` of an info, `_bucket`, `_sum` and `_count` of a
   * histogram.
   */
  suffix?: '_total' | '_info' | '_bucket' | '_sum' | '_count'
  labels?: Readonly<Record<string, string>>
  value: number
}

/** Returns the text format (OpenMetrics 1.0 §5). */
export function openMetricsText(families: readonly Family[]): string {
  return `${families.map(familyText).join('')}# EOF\n`
}

function familyText({ name, type, unit, help, samples }: Family): string {
  const lines = [`# TYPE ${name} ${type}`]
  if (unit !== undefined) lines.push(`# UNIT ${name} ${unit}`)
  lines.push(`# HELP ${name} ${escaped(help)}`)
  for (const { suffix = '', labels = {}, value } of samples) lines.push(`${name}${suffix}${labelText(labels)} ${value}`)
  return lines.map((line) => `${line}\n`).join('')
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}
