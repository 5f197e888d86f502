import { scanJson } from '../json-scanner.ts'
import { UsageError } from './usage.ts'

/**
 * Parses JSON. Throws `UsageError` with the file, line and column of the fault, without the text itself: it may hold
 * secrets. A duplicate member is a fault too.
 */
export function parseJson(text: string, file: string): unknown {
  const whole = text.replace(/^\ufeff/, '')
  const fault = scanJson(whole)
  if (fault === undefined) return JSON.parse(whole)
  const lines = whole.slice(0, fault.at).split('\n')
  const where = `${file}:${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}`
  if (fault.kind === 'duplicate') throw new UsageError(`${where}: duplicate member: the object has one of this name`)
  const fails = fault.at >= whole.length ? 'the file ends too early' : 'not valid JSON'
  throw new UsageError(`${where}: ${fails}: expected ${fault.expected}`)
}
