/**
 * Yields the members of a list in a header, without spaces and tabs around them; empty ones are skipped. Never copies
 * the list.
 */
export function* members(list: string, separator: ';' | ','): Generator<string> {
  for (let start = 0; start < list.length; ) {
    const found = list.indexOf(separator, start)
    const end = found === -1 ? list.length : found
    const member = trimmed(list, start, end)
    if (member !== '') yield member
    start = end + 1
  }
}

/** Removes spaces and tabs only (RFC 9110 §5.6.3): other characters that `trim` removes may be part of a name. */
export function trimmed(text: string, start: number = 0, end: number = text.length): string {
  let [from, to] = [start, end]
  while (from < to && isBlank(text.charCodeAt(from))) from += 1
  while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1
  return text.slice(from, to)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
