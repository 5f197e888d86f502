/** One server-sent event (WHATWG HTML §9.2.6). */
export interface ServerEvent {
  type: string
  data: string
}

/** Parses a stream of server-sent events piece by piece, holding at most one event of bounded size. */
export class EventParser {
  readonly #maxCharacters: number
  readonly #decoder = new TextDecoder()
  #line = ''
  #type = ''
  #data: string[] = []
  #held = 0
  #afterReturn = false

  constructor(maxCharacters: number) {
    this.#maxCharacters = maxCharacters
  }

  /** Takes the next bytes; answers the events that they complete. Throws a RangeError when one grows beyond bounds. */
  push(bytes: Uint8Array): ServerEvent[] {
    let text = this.#decoder.decode(bytes, { stream: true })
    if (text === '') return []
    // CR LF is one line end, also when it is split between two pieces.
    if (this.#afterReturn && text.startsWith('\n')) text = text.slice(1)
    this.#afterReturn = text.endsWith('\r')
    const lines = text.replaceAll(/\r\n?/g, '\n').split('\n')
    const events: ServerEvent[] = []
    lines.forEach((piece, index) => {
      this.#line += piece
      this.#held += piece.length
      if (this.#held > this.#maxCharacters) throw new RangeError('an event is larger than its bound')
      if (index === lines.length - 1) return
      const event = this.#take(this.#line)
      this.#line = ''
      if (event !== undefined) events.push(event)
    })
    return events
  }

  /** Takes one line; an empty one ends an event. */
  #take(line: string): ServerEvent | undefined {
    if (line === '') {
      const event = { type: this.#type === '' ? 'message' : this.#type, data: this.#data.join('\n') }
      const complete = this.#data.length > 0
      this.#type = ''
      this.#data = []
      this.#held = 0
      return complete ? event : undefined
    }
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1))
    if (field === 'event') this.#type = value
    else if (field === 'data') this.#data.push(value)
    // Comments keep the connection alive; ids and retry times are of no use here, for the ledger has its own sequence.
    else this.#held -= line.length
    return undefined
  }
}
