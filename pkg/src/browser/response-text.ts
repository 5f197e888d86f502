/**
 * The text of an answer, never more than `maxBytes`. Rejects where there is more, and where it is cut short. It may never settle:
 * the caller bounds the time.
 */
export async function responseText({ body }: Response, maxBytes: number): Promise<string> {
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let leftBytes = maxBytes
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true }
    if (done) return text + decoder.decode()
    leftBytes -= value?.byteLength ?? 0
    if (leftBytes < 0) {
      // Not awaited: the cancelling of a stalled stream may itself never end.
      reader?.cancel().catch(() => undefined)
      throw new RangeError('the answer is too long')
    }
    text += decoder.decode(value, { stream: true })
  }
}
