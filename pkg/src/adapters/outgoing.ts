/** The parts of a response that are used, of `node:http`, or of `node:http2` in its compatible form. */
export interface Outgoing {
  statusCode: number
  readonly headersSent: boolean
  readonly writableEnded: boolean
  readonly destroyed: boolean
  /** Of HTTP/2, whose responses do not have `destroyed`. */
  readonly stream?: { readonly destroyed: boolean } | undefined
  setHeader(name: string, value: string): unknown
  end(body: string): unknown
  destroy(): unknown
}

/** Whether nothing more can be said to the client: it has gone, or has its response. */
export function isOver(outgoing: Outgoing): boolean {
  return outgoing.writableEnded || (outgoing.stream ?? outgoing).destroyed
}

/** Writes a short response. Nothing is written once another one has begun. */
export async function writeResponse(response: Response, outgoing: Outgoing): Promise<void> {
  const body = await response.text()
  if (isOver(outgoing) || outgoing.headersSent) return
  outgoing.statusCode = response.status
  response.headers.forEach((value, name) => outgoing.setHeader(name, value))
  outgoing.end(body)
}
