/**
 * Returns whether a URL's host can be on the public internet: a name with a dot that is not reserved for private
 * networks, or a public address. Names are not resolved, so a public name may still lead to a private address.
 */
export function isPublicHost({ hostname }: URL): boolean {
  if (hostname.startsWith('[')) return isPublicIpv6(hostname.slice(1, -1))
  // The URL parser has normalized every form of an IPv4 address to four decimal numbers (WHATWG URL §3.5).
  if (/^\d+\.\d+\.\d+\.\d+$/.test(hostname)) return isPublicIpv4(hostname.split('.').map(Number))
  const name = hostname.replace(/\.$/, '')
  return name.includes('.') && !PRIVATE_NAMES.test(name)
}

/**
 * Names of RFC 6761 §6, RFC 6762 §3, RFC 8375, RFC 9476, and `internal`, which ICANN has reserved for private networks.
 */
const PRIVATE_NAMES = /\.(localhost|local|internal|home\.arpa|alt|test|invalid|onion)$/

/**
 * First address and prefix length of each block that is not global (RFC 6890 §2.2.2, RFC 6598), multicast or reserved.
 */
const PRIVATE_IPV4: readonly (readonly [address: number, bits: number])[] = [
  [0x00000000, 8],
  [0x0a000000, 8],
  [0x64400000, 10],
  [0x7f000000, 8],
  [0xa9fe0000, 16],
  [0xac100000, 12],
  [0xc0000000, 24],
  [0xc0000200, 24],
  [0xc0a80000, 16],
  [0xc6120000, 15],
  [0xc6336400, 24],
  [0xcb007100, 24],
  [0xe0000000, 4],
  [0xf0000000, 4],
]

function isPublicIpv4(bytes: readonly number[]): boolean {
  const address = bytes.reduce((number, byte) => number * 256 + byte, 0)
  return !PRIVATE_IPV4.some(([first, bits]) => address >= first && address < first + 2 ** (32 - bits))
}

/**
 * Returns whether an address is global unicast (RFC 4291 §2.4), without the blocks below 2001:200::/23 (RFC 6890
 * §2.2.3), documentation, and 6to4, which may embed any IPv4 address.
 */
function isPublicIpv6(address: string): boolean {
  const [first = 0, second = 0] = address.startsWith(':')
    ? []
    : address.split(':').map((group) => Number.parseInt(group || '0', 16))
  const isReserved = (first === 0x2001 && (second < 0x200 || second === 0xdb8)) || first === 0x2002 || first === 0x3fff
  return first >= 0x2000 && first <= 0x3fff && !isReserved
}
