import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { rule, type Rule } from '../../options.ts'

/** The source of a request, and its scheme on the way to us or to the first trusted proxy. */
export interface Source {
  address: string | undefined
  scheme: 'http' | 'https'
}

/** An address or a block of them, such as `10.0.0.0/8`. */
export const network: Rule<string> = rule(
  "an address or block of addresses, such as '10.0.0.7' or '10.0.0.0/8'",
  (value) => typeof value === 'string' && parseNetwork(value) !== undefined,
  {
    type: 'string',
    minLength: 1,
    pattern: '^([0-9]{1,3}(\\.[0-9]{1,3}){3}|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)(/[0-9]{1,3})?$',
  },
)

/** The proxies whose forwarding headers count. */
export class TrustedProxies {
  /** `undefined` if no proxies are trusted. */
  readonly #networks: BlockList | undefined

  /** Each member matches `network`. */
  constructor(networks: readonly string[]) {
    if (networks.length === 0) return
    this.#networks = new BlockList()
    for (const { address, bits, family } of networks.map(parseNetwork).filter((each) => each !== undefined)) {
      this.#networks.addSubnet(address, bits, family)
    }
  }

  /**
   * Reads `X-Forwarded-For` from its end, where the nearest proxy wrote. The first address that does not belong to a
   * trusted proxy is the client's; the client may have made up those before it. The same applies to the last value of
   * `X-Forwarded-Proto`.
   */
  sourceOf(incoming: IncomingMessage): Source {
    const peer = incoming.socket.remoteAddress
    const scheme = (incoming.socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http'
    if (peer === undefined || !this.#trusts(peer)) return { address: peer, scheme }
    let address = peer
    for (const hop of listed(incoming, 'x-forwarded-for').reverse()) {
      const said = addressOf(hop)
      if (said === undefined) break
      address = said
      if (!this.#trusts(said)) break
    }
    return { address, scheme: forwardedScheme(listed(incoming, 'x-forwarded-proto').at(-1)) ?? scheme }
  }

  #trusts(address: string): boolean {
    if (this.#networks === undefined) return false
    const family = isIP(address)
    return family !== 0 && this.#networks.check(address, family === 4 ? 'ipv4' : 'ipv6')
  }
}

function forwardedScheme(said: string | undefined): Source['scheme'] | undefined {
  const scheme = said?.toLowerCase()
  return scheme === 'https' || scheme === 'http' ? scheme : undefined
}

/** Returns the members of a list header, over all of its lines (RFC 9110 §5.3). */
function listed(incoming: IncomingMessage, name: string): string[] {
  return (incoming.headersDistinct[name] ?? []).flatMap((line) => line.split(',')).map((member) => member.trim())
}

/** Returns the address of a hop without the port that some proxies add. */
function addressOf(hop: string): string | undefined {
  const address = /^\[([^\]]+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^([\d.]+):\d+$/.exec(hop)?.[1] ?? hop
  return isIP(address) === 0 ? undefined : address
}

function parseNetwork(text: string): { address: string; bits: number; family: 'ipv4' | 'ipv6' } | undefined {
  const [address = '', given, ...more] = text.split('/')
  const version = isIP(address)
  const most = version === 4 ? 32 : 128
  const bits = given === undefined ? most : /^\d{1,3}$/.test(given) ? Number(given) : Number.NaN
  if (version === 0 || more.length > 0 || !(bits <= most)) return undefined
  return { address, bits, family: version === 4 ? 'ipv4' : 'ipv6' }
}
