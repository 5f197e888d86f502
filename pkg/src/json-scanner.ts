/** The first fault of a JSON text, at an offset in UTF-16 code units. */
type JsonFault = { kind: 'syntax'; at: number; expected: string } | { kind: 'duplicate'; at: number }

/** A number in a JSON text: `text.slice(from, to)`. */
export interface JsonNumber {
  from: number
  to: number
  /** The name of the innermost member that holds it. */
  member: string | undefined
}

/**
 * Scans a JSON text by the grammar of RFC 8259, which `JSON.parse` follows too. Stricter in two points: an object has
 * each member once, for parsers differ in which of two they use (§4), and values are nested 100 deep at most.
 */
export function scanJson(
  text: string,
  onNumber: (number: JsonNumber) => void = () => undefined,
): JsonFault | undefined {
  return new Scanner(text, onNumber).scan()
}

const SPACE = /[ \t\r\n]*/y
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const LITERAL = /true|false|null/y
/** Deeper than any configuration, message or token, and far from the end of the stack. */
const MAX_DEPTH = 100

/** An object or array whose end has not been reached. */
interface Container {
  end: '}' | ']'
  /** Of an object: the members so far. */
  names?: Set<string>
  member: string | undefined
}

class Scanner {
  readonly #text: string
  readonly #onNumber: (number: JsonNumber) => void
  readonly #open: Container[] = []
  #at = 0

  constructor(text: string, onNumber: (number: JsonNumber) => void) {
    this.#text = text
    this.#onNumber = onNumber
  }

  scan(): JsonFault | undefined {
    let fault = this.#value()
    for (;;) {
      const container = this.#open.at(-1)
      if (fault !== undefined || container === undefined) break
      fault = this.#next(container)
    }
    if (fault !== undefined) return fault
    this.#take(SPACE)
    return this.#at === this.#text.length ? undefined : this.#expected('the end of the file')
  }

  /** Scans a value; an object or array only up to and including its first member. */
  #value(): JsonFault | undefined {
    const member = this.#open.at(-1)?.member
    if (this.#skip('{')) return this.#enter({ end: '}', names: new Set(), member })
    if (this.#skip('[')) return this.#enter({ end: ']', member })
    const from = this.#at
    if (this.#take(STRING) || this.#take(LITERAL)) return undefined
    if (!this.#take(NUMBER)) return this.#expected('a value (strings and names in double quotes)')
    this.#onNumber({ from, to: this.#at, member })
    return undefined
  }

  #enter(container: Container): JsonFault | undefined {
    if (this.#open.length === MAX_DEPTH) return this.#expected('less nesting')
    this.#open.push(container)
    if (this.#skip(container.end)) return void this.#open.pop()
    return container.names === undefined ? this.#value() : this.#named(container, container.names)
  }

  #next(container: Container): JsonFault | undefined {
    if (this.#skip(container.end)) return void this.#open.pop()
    if (!this.#skip(',')) return this.#expected(`',' or '${container.end}'`)
    return container.names === undefined ? this.#value() : this.#named(container, container.names)
  }

  #named(container: Container, names: Set<string>): JsonFault | undefined {
    this.#take(SPACE)
    const at = this.#at
    if (!this.#take(STRING)) return this.#expected('a name in double quotes (there is no comma after the last member)')
    // Escapes are resolved: "a" and "\u0061" are one name.
    const name = JSON.parse(this.#text.slice(at, this.#at)) as string
    if (names.has(name)) return { kind: 'duplicate', at }
    names.add(name)
    container.member = name
    return this.#skip(':') ? this.#value() : this.#expected("':' after the name")
  }

  /** Skips white space and then this character. Returns whether the character was there. */
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

  #expected(expected: string): JsonFault {
    return { kind: 'syntax', at: this.#at, expected }
  }
}
