import { isLoopback, isLoopbackAddress } from '../../http/loopback.ts'
import { Problem } from './problem.ts'
import type { RequestSource } from '../api.ts'

/**
 * Requires that a request came by https or from this machine, because by plain http others could read its tokens and
 * secrets. A request that the host's own code passes without a source is judged by its URL. Call it before reading
 * anything of the request. Throws a `Problem` (403 `https_required`).
 */
export function requireHttps(request: Request, source: RequestSource, plainHttp: 'loopback' | 'anywhere'): void {
  const url = new URL(request.url)
  const hasSource = source.address !== undefined || source.connection !== undefined
  if (plainHttp === 'anywhere' || url.protocol === 'https:' || isLocal(request, source)) return
  if (!hasSource && isLoopback(url)) return
  throw new Problem(
    403,
    'https_required',
    'this is served by https only: a proxy that terminates TLS must be one of trustedProxies and send X-Forwarded-Proto',
  )
}

/**
 * Whether the client is local: both its address and the host name of its request are loopback. A page that rebinds its
 * name to 127.0.0.1 has that address but another host name. A client without a known address, as over a Unix socket, is
 * not local, because it chooses the host name.
 */
export function isLocal(request: Request, { address }: RequestSource): boolean {
  return address !== undefined && isLoopbackAddress(address) && isLoopback(new URL(request.url))
}
