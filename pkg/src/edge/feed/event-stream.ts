/** One server-sent event (WHATWG HTML §9.2.6). */
export interface ServerEvent {
  type: string
  data: string
}

/** Parses a stream of server-sent events incrementally, buffering at most one event of bounded size. */
export class EventParser {
  readonly #maxCharacters: number
  readonly #decoder = new TextDecoder()
  #line = ''
  #type = ''
  #data: string[] = []
  #buffered = 0
  #afterReturn = false

  constructor(maxCharacters: number) {
    this.#maxCharacters = maxCharacters
  }

  /**
   * Parses the next bytes and returns the events that they complete. Throws a RangeError for an event that is too
   * large.
   */
  push(bytes: Uint8Array): ServerEvent[] {
    let text = this.#decoder.decode(bytes, { stream: true })
    if (text === '') return []
    // CR LF is one line end, even if split between two chunks.
    if (this.#afterReturn && text.startsWith('\n')) text = text.slice(1)
    this.#afterReturn = text.endsWith('\r')
    const lines = text.replaceAll(/\r\n?/g, '\n').split('\n')
    const events: ServerEvent[] = []
    lines.forEach((part, index) => {
      this.#line += part
      this.#buffered += part.length
      if (this.#buffered > this.#maxCharacters) throw new RangeError('an event is too large')
      if (index === lines.length - 1) return
      const event = this.#parseLine(this.#line)
      this.#line = ''
      if (event !== undefined) events.push(event)
    })
    return events
  }

  /** Parses one line; an empty one ends an event. */
  #parseLine(line: string): ServerEvent | undefined {
    if (line === '') {
      const event = { type: this.#type === '' ? 'message' : this.#type, data: this.#data.join('\n') }
      const complete = this.#data.length > 0
      this.#type = ''
      this.#data = []
      this.#buffered = 0
      return complete ? event : undefined
    }
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1))
    if (field === 'event') this.#type = value
    else if (field === 'data') this.#data.push(value)
    // Comments only keep the connection alive. Ids and retry times are ignored: the ledger has its own sequence.
    else this.#buffered -= line.length
    return undefined
  }
}
