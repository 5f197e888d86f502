/** Reads a response as text. Rejects if it is longer than `maxBytes` or cut short. The caller bounds the time. */
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
      throw new RangeError('the answer is too long')
    }
    text += decoder.decode(value, { stream: true })
  }
}
