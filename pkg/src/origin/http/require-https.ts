import { isLoopback, isLoopbackAddress } from '../../http/loopback.ts'
import { Problem } from './problem.ts'
import type { RequestSource } from '../api.ts'

/**
 * Lets a request pass that came by https, or from this machine; by plain http others could read the tokens and secrets
 * in it. One that a program of the host's own hands over without a source is judged by its URL. To be asked before
 * anything of the request is read. Throws a `Problem` (403 `https_required`).
 */
export function requireHttps(request: Request, source: RequestSource, plainHttp: 'loopback' | 'anywhere'): void {
  const url = new URL(request.url)
  const hasSource = source.address !== undefined || source.connection !== undefined
  if (plainHttp === 'anywhere' || url.protocol === 'https:' || isLocal(request, source)) return
  if (!hasSource && isLoopback(url)) return
  throw new Problem(
    403,
    'https_required',
    'this is served by https only: a proxy that ends TLS must be one of trustedProxies, and say so in X-Forwarded-Proto',
  )
}

/**
 * Whether the client is local: both its address and the host name of its request are loopback. A page that
 * rebinds its name to 127.0.0.1 has that address and another name. A client whose address is not known, as over a Unix
 * socket, is not local: it chooses the name.
 */
export function isLocal(request: Request, { address }: RequestSource): boolean {
  return address !== undefined && isLoopbackAddress(address) && isLoopback(new URL(request.url))
}
