import { invalid } from '../options.ts'
import { isLoopback } from './loopback.ts'

/** Hosts to which `http:` is allowed: `loopback` (localhost, 127.0.0.0/8, ::1) or `anywhere`. */
type PlainHttp = 'loopback' | 'anywhere'

/** Throws `invalid_option` naming the option `name` unless the URL is `https:` or `plainHttp` allows its host. */
export function checkTransport(address: URL | string, plainHttp: PlainHttp, name: string): void {
  const url = new URL(address)
  if (url.protocol === 'https:' || plainHttp === 'anywhere' || isLoopback(url)) return
  throw invalid(`${name} must be an https: URL because ${url.host} is not this machine; see plainHttp`)
}
