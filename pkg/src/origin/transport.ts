import { isLoopback, isLoopbackAddress } from '../loopback.ts'
import { Problem } from './problem.ts'
import type { RequestSource } from './types.ts'

/**
 * Lets a request pass that came by https, or from this machine; by plain http others could read the tokens and secrets
 * in it. To be asked before anything of the request is read. Throws a `Problem` (403 `https_required`).
 */
export function requireHttps(request: Request, source: RequestSource, plainHttp: 'loopback' | 'anywhere'): void {
  if (plainHttp === 'anywhere' || new URL(request.url).protocol === 'https:' || isLocal(request, source)) return
  throw new Problem(403, 'https_required', 'this is served by https only')
}

/** Whether the client is on this machine: by its address or, where the host knows none, by the name it called us. */
export function isLocal(request: Request, { address }: RequestSource): boolean {
  return address === undefined ? isLoopback(new URL(request.url)) : isLoopbackAddress(address)
}
