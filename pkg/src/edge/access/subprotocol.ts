import type { Presented } from '../../http/bearer.ts'
import type { RequestLike } from '../../types.ts'
import { members } from './members.ts'

/** Returns the token among the offered subprotocols (RFC 6455 §4.1): `name, TOKEN` or `name.TOKEN`. */
export function subprotocolToken(offered: string | null, name: string): Presented {
  let token: string | undefined
  let isNext = false
  for (const member of members(offered ?? '', ',')) {
    const isNamed = member === name || member.startsWith(`${name}.`)
    if (isNamed && (isNext || token !== undefined)) return { kind: 'several' }
    if (member === name) isNext = true
    else if (isNamed) token = member.slice(name.length + 1)
    else if (isNext) [token, isNext] = [member, false]
  }
  if (isNext) return { kind: 'token', token: '' }
  return token === undefined ? { kind: 'nothing' } : { kind: 'token', token }
}

/**
 * Returns the response without the token's subprotocol, because servers and proxies log the chosen one. If the headers
 * are immutable, returns a copy, or `undefined` if the response cannot be copied, as with a protocol switch.
 */
export function withoutSubprotocol(response: Response, request: RequestLike, name: string): Response | undefined {
  const chosen = response.headers.get('sec-websocket-protocol')
  if (chosen === null) return response
  const offered = subprotocolToken(request.headers.get('sec-websocket-protocol'), name)
  const all = [...members(chosen, ',')]
  const kept = all.filter(
    (member) =>
      member !== name && !member.startsWith(`${name}.`) && (offered.kind !== 'token' || member !== offered.token),
  )
  if (kept.length === all.length) return response
  try {
    return choose(response, kept)
  } catch {
    const copy = copyOf(response)
    return copy && choose(copy, kept)
  }
}

function copyOf(response: Response): Response | undefined {
  try {
    return new Response(response.body, response)
  } catch {
    return undefined
  }
}

function choose(response: Response, protocols: readonly string[]): Response {
  if (protocols.length === 0) response.headers.delete('sec-websocket-protocol')
  else response.headers.set('sec-websocket-protocol', protocols.join(', '))
  return response
}
