/** The members used of a response of `node:http`, or of `node:http2`'s compatibility API. */
export interface Outgoing {
  statusCode: number
  readonly headersSent: boolean
  readonly writableEnded: boolean
  readonly destroyed: boolean
  /** Present in HTTP/2, whose responses lack `destroyed`. */
  readonly stream?: { readonly destroyed: boolean } | undefined
  setHeader(name: string, value: string): unknown
  end(body: string): unknown
  destroy(): unknown
}

/** Returns whether nothing can be sent to the client any more: it has disconnected, or has its response. */
export function isOver(outgoing: Outgoing): boolean {
  return outgoing.writableEnded || (outgoing.stream ?? outgoing).destroyed
}

/** Writes a short response, unless another one has been started. */
export async function writeResponse(response: Response, outgoing: Outgoing): Promise<void> {
  const body = await response.text()
  if (isOver(outgoing) || outgoing.headersSent) return
  outgoing.statusCode = response.status
  response.headers.forEach((value, name) => outgoing.setHeader(name, value))
  outgoing.end(body)
}
