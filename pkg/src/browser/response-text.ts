/** Reads a response body as a string. Rejects if it exceeds `maxBytes` or is truncated. The caller bounds the time. */
export async function responseText({ body }: Response, maxBytes: number): Promise<string> {
  if (!body) return ''
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let leftBytes = maxBytes
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    leftBytes -= value.byteLength
    if (leftBytes < 0) {
      // Not awaited: cancelling a stalled stream may never settle.
      reader.cancel().catch(() => undefined)
      throw new RangeError('the response is too long')
    }
    text += decoder.decode(value, { stream: true })
  }
}
