/** The maximum length of an address in characters; an IPv6 address with a zone is shorter (RFC 4007 §11). */
const MAX_ADDRESS_CHARACTERS = 64

/**
 * Returns the network under which requests of an address are counted: an IPv4 address itself, or the /64 of an IPv6
 * address, all of which one subscriber has (RFC 6177 §2). IPv4 embedded in IPv6 counts as IPv4, so that its holders do
 * not share one count: IPv4-mapped (RFC 4291 §2.5.5.2) and the well-known prefix of NAT64 (RFC 6052 §2.1). Any other
 * string is returned unchanged, truncated to `MAX_ADDRESS_CHARACTERS`. `undefined`, if the runtime does not know the
 * address, gives `''`.
 */
export function networkOf(address: string | undefined): string {
  if (address === undefined || !address.includes(':')) return (address ?? '').slice(0, MAX_ADDRESS_CHARACTERS)
  // The form in which a server that listens on both protocols writes IPv4 clients.
  const mapped = /^::ffff:((?:\d{1,3}\.){3}\d{1,3})$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const groups = groupsOf(address.slice(0, MAX_ADDRESS_CHARACTERS))
  if (groups === undefined) return address.slice(0, MAX_ADDRESS_CHARACTERS)
  return (
    embeddedIpv4(groups) ??
    `${groups
      .slice(0, 4)
      .map((group) => group.toString(16))
      .join(':')}::/64`
  )
}

/** Returns the eight groups of an IPv6 address (RFC 4291 §2.2) without its zone; `undefined` if it is not one. */
function groupsOf(address: string): number[] | undefined {
  const [text = ''] = address.split('%', 1)
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head = [], tail] = halves.map((half) => (half === '' ? [] : half.split(':').flatMap(groupOf)))
  if (tail === undefined) return head.length === 8 && head.every(isGroup) ? head : undefined
  const missing = 8 - head.length - tail.length
  const groups = [...head, ...Array.from({ length: Math.max(0, missing) }, () => 0), ...tail]
  return missing >= 1 && groups.every(isGroup) ? groups : undefined
}

/** Returns one group, or the two groups of a dotted IPv4 part; `NaN` for any other string. */
function groupOf(text: string): number[] {
  if (/^[0-9a-f]{1,4}$/i.test(text)) return [Number.parseInt(text, 16)]
  const [a, b, c, d] = /^(?:\d{1,3}\.){3}\d{1,3}$/.test(text) ? text.split('.').map(Number) : []
  if (a === undefined || b === undefined || c === undefined || d === undefined) return [Number.NaN]
  return [a * 256 + b, c * 256 + d]
}

function isGroup(group: number): boolean {
  return group <= 0xffff
}

function embeddedIpv4(groups: readonly number[]): string | undefined {
  const prefix = groups.slice(0, 6).join(':')
  if (prefix !== MAPPED && prefix !== NAT64) return undefined
  return groups
    .slice(6)
    .flatMap((group) => [group >> 8, group & 0xff])
    .join('.')
}

/** `::ffff:0:0/96` and `64:ff9b::/96`, each group in decimal. */
const MAPPED = '0:0:0:0:0:65535'
const NAT64 = '100:65435:0:0:0:0'
