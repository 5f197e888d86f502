import { UsageError } from './usage.ts'

/**
 * Reads JSON. Throws `UsageError` with the file, line and column of the error, without the text itself.
 */
export function parseJson(text: string, file: string): unknown {
  const whole = text.replace(/^\ufeff/, '')
  try {
    return JSON.parse(whole)
  } catch {
    // The runtime's message quotes the text, which may hold secrets, and not every runtime says where the error is.
    const { at, expected } = new Scanner(whole).fault()
    const lines = whole.slice(0, at).split('\n')
    const what = at >= whole.length ? 'the file ends too early' : 'this is no JSON'
    throw new UsageError(`${file}:${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}: ${what}: expected ${expected}`)
  }
}

const SPACE = /[ \t\r\n]*/y
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"/y
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y
/** Deeper than any configuration, and far from the end of the stack. */
const MAX_DEPTH = 100

interface Fault {
  at: number
  expected: string
}

/** Goes through a text by the grammar of RFC 8259 until it is broken. */
class Scanner {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  fault(): Fault {
    const fault = this.#value(0)
    if (fault !== undefined) return fault
    this.#take(SPACE)
    return { at: this.#at, expected: 'the end of the file' }
  }

  #value(depth: number): Fault | undefined {
    this.#take(SPACE)
    if (depth > MAX_DEPTH) return this.#fault('less nesting')
    const next = this.#text[this.#at]
    if (next === '{') return this.#members('}', depth, true)
    if (next === '[') return this.#members(']', depth, false)
    return this.#take(next === '"' ? STRING : SCALAR)
      ? undefined
      : this.#fault('a value (texts and names in double quotes)')
  }

  #members(end: string, depth: number, named: boolean): Fault | undefined {
    this.#at += 1
    if (this.#skip(end)) return undefined
    for (;;) {
      this.#take(SPACE)
      if (named && !this.#take(STRING))
        return this.#fault('a name in double quotes (there is no comma after the last member)')
      if (named && !this.#skip(':')) return this.#fault("':' after the name")
      const fault = this.#value(depth + 1)
      if (fault !== undefined) return fault
      if (this.#skip(end)) return undefined
      if (!this.#skip(',')) return this.#fault(`',' or '${end}'`)
    }
  }

  /** One character, after white space. */
  #skip(character: string): boolean {
    this.#take(SPACE)
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at
    if (!pattern.test(this.#text)) return false
    this.#at = pattern.lastIndex
    return true
  }

  #fault(expected: string): Fault {
    return { at: this.#at, expected }
  }
}
