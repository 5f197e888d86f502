/**
 * The longest name in a line of the audit log, in bytes of UTF-8. A `sub` of OpenID Connect (Core §2: 255 ASCII
 * characters) fits completely, with its prefix such as `user:`.
 */
const MAX_NAME_BYTES = 271
/** The longest reason, in characters; only administrators and the application give one. */
const MAX_REASON_CHARACTERS = 1_024
/**
 * The number of characters of the SHA-256 (base64url, 132 bits) that end a truncated name, so that two long names stay
 * distinct.
 */
const HASH_CHARACTERS = 22
const ELLIPSIS = '…'
const ELLIPSIS_BYTES = 3
/** The maximum bytes of UTF-8 for one UTF-16 unit. */
const MAX_UNIT_BYTES = 3

/**
 * Returns lines or queries with strings that every store keeps unchanged: of limited length, and without NUL, at which
 * some stores end a string. Lines and queries share this function, so that a query by a long name finds its lines.
 */
export async function storable<T extends object>(entries: readonly T[]): Promise<readonly T[]> {
  // Nearly always nothing needs hashing, so nothing is awaited.
  return entries.some(isUnfit) ? Promise.all(entries.map(fit)) : entries
}

function isUnfit(entry: object): boolean {
  return Object.entries(entry).some(([member, value]) => typeof value === 'string' && isUnfitText(member, value))
}

function isUnfitText(member: string, text: string): boolean {
  if (text.includes('\0')) return true
  return member === 'reason' ? text.length > MAX_REASON_CHARACTERS : isLongName(text)
}

function isLongName(text: string): boolean {
  if (text.length * MAX_UNIT_BYTES <= MAX_NAME_BYTES) return false
  return text.length > MAX_NAME_BYTES || new TextEncoder().encode(text).byteLength > MAX_NAME_BYTES
}

async function fit<T extends object>(entry: T): Promise<T> {
  const members = Object.entries(entry).map(async ([member, value]) => {
    if (typeof value !== 'string') return [member, value]
    const text = value.replaceAll('\0', '\ufffd')
    return [member, member === 'reason' ? text.slice(0, MAX_REASON_CHARACTERS) : await cutName(text)]
  })
  return Object.fromEntries(await Promise.all(members)) as T
}

/** Returns the beginning of a name that is too long, and a hash of the whole. */
async function cutName(name: string): Promise<string> {
  if (!isLongName(name)) return name
  const bytes = new TextEncoder().encode(name)
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  const text = btoa(String.fromCharCode(...hash))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
  return `${beginning(name, MAX_NAME_BYTES - ELLIPSIS_BYTES - HASH_CHARACTERS)}${ELLIPSIS}${text.slice(0, HASH_CHARACTERS)}`
}

/** Returns as many whole characters as fit. */
function beginning(text: string, maxBytes: number): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes))
  return text.slice(0, read)
}
