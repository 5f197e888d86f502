/** A page of wasm memory (WebAssembly Core Specification §4.2.8). */
const PAGE_BYTES = 65_536
const MEMORY_SECTION = 5

/** Returns the module with a memory that grows to at most `maximumBytes`, so that it can really run out. */
export function withMaximumMemory(module: Uint8Array, maximumBytes: number): Uint8Array<ArrayBuffer> {
  // Magic and version, then sections: a number, a length, contents (§5.5).
  for (let at = 8; at < module.length; ) {
    const number = module[at]
    const length = readNumber(module, at + 1)
    const end = length.end + length.value
    if (number === MEMORY_SECTION) {
      const section = memorySection(module.subarray(length.end, end), maximumBytes)
      return Uint8Array.from([
        ...module.subarray(0, at),
        MEMORY_SECTION,
        ...number7(section.length),
        ...section,
        ...module.subarray(end),
      ])
    }
    at = end
  }
  throw new Error('the module has no memory section')
}

/** Returns the section for one memory, with its minimum unchanged (§5.5.8, §5.3.8). */
function memorySection(section: Uint8Array, maximumBytes: number): number[] {
  const count = readNumber(section, 0)
  if (count.value !== 1) throw new Error('one memory was expected')
  const minimum = readNumber(section, count.end + 1)
  return [1, 1, ...number7(minimum.value), ...number7(Math.max(minimum.value, Math.floor(maximumBytes / PAGE_BYTES)))]
}

/** Decodes LEB128 (§5.2.2). */
function readNumber(bytes: Uint8Array, at: number): { value: number; end: number } {
  let value = 0
  for (let shift = 0, end = at; ; shift += 7) {
    const byte = bytes[end++] ?? 0
    value += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) return { value, end }
  }
}

function number7(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...number7(Math.floor(value / 0x80))]
}
