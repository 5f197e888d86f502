import { PortcullisError } from '../../errors.ts'
import { bearerToken, type Presented } from '../../http/bearer.ts'
import { refused } from '../../http/refusal.ts'
import type { CookieSource, Refused, RequestLike, TokenSource } from '../../types.ts'
import { cookieToken } from './cookie.ts'
import { type CrossSitePolicy, isFromOwnPage } from './cross-site.ts'
import { subprotocolToken } from './subprotocol.ts'

/** The token of a request, which may be anything but empty, or why there is none to check. */
export type TokenReader = (request: RequestLike) => string | Refused

/** How tokens are read from a source that has been checked. */
export function tokenReader(source: TokenSource): TokenReader {
  if (source === 'bearer') return fromBearer
  if (typeof source === 'function') return fromFunction(source)
  if ('cookie' in source) return fromCookie(source)
  if ('header' in source) return fromHeader(source.header)
  return fromSubprotocol(source.subprotocol)
}

/** `Authorization` (RFC 6750 §2.1). */
export const fromBearer: TokenReader = ({ headers }) => tokenOf(bearerToken(headers), EMPTY_BEARER)

function fromCookie({ cookie, origins = [], fetchSites = ['same-origin'] }: CookieSource): TokenReader {
  const policy: CrossSitePolicy = { origins: [...origins], fetchSites: [...fetchSites] }
  return (request) => {
    const token = tokenOf(cookieToken(request.headers.get('cookie'), cookie), EMPTY)
    if (typeof token !== 'string') return token
    if (hasOtherToken(request)) return refused('invalid_request', BESIDE)
    return isFromOwnPage(request, policy) ? token : refused('cross_site', CROSS_SITE)
  }
}

function fromHeader(header: string): TokenReader {
  return ({ headers }) => {
    const value = headers.get(header)
    if (value === null) return refused('missing_token')
    return tokenOf(value.includes(',') ? { kind: 'several' } : { kind: 'token', token: value.trim() }, EMPTY)
  }
}

function fromSubprotocol(subprotocol: string): TokenReader {
  return (request) => {
    const token = tokenOf(subprotocolToken(request.headers.get('sec-websocket-protocol'), subprotocol), EMPTY)
    return typeof token === 'string' && hasOtherToken(request) ? refused('invalid_request', BESIDE) : token
  }
}

function fromFunction(source: (request: RequestLike) => string | null | undefined): TokenReader {
  return (request) => {
    const given = call(source, request)
    if (given === undefined || given === null) return refused('missing_token')
    if (typeof given === 'string') return tokenOf({ kind: 'token', token: given }, EMPTY)
    // A promise that nobody waits for must not end the process when it rejects.
    Promise.resolve(given).catch(() => undefined)
    throw new PortcullisError('invalid_option', 'options.token returned something else than a string: return the token at once, or undefined', { detail: 'token' })
  }
}

function call(source: (request: RequestLike) => unknown, request: RequestLike): unknown {
  try {
    return source(request)
  } catch (cause) {
    throw new PortcullisError('invalid_option', 'options.token threw: return undefined where a request has no token; error.cause has the error', { detail: 'token', cause })
  }
}

function tokenOf(presented: Presented, emptyAdvice: string): string | Refused {
  switch (presented.kind) {
    case 'token':
      return presented.token === '' ? refused('malformed', emptyAdvice) : presented.token
    case 'nothing':
      return refused('missing_token')
    case 'several':
      return refused('invalid_request')
  }
}

/** Whether `Authorization` may carry a token, too. One credential by Basic, as in front of a staging site, is none. */
function hasOtherToken({ headers }: RequestLike): boolean {
  const authorization = headers.get('authorization')
  return authorization !== null && !/^basic +[\w+/=.~-]*$/i.test(authorization)
}

const EMPTY_BEARER = 'The Authorization header names the scheme Bearer without a token: send one after it, or leave the header out.'
const EMPTY = 'The access token is empty: send one, or leave it out.'
const BESIDE = 'The request presents an access token and an Authorization header: send one of them.'
const CROSS_SITE =
  'Neither Sec-Fetch-Site nor Origin shows that a page of this site sent the request with the cookie: call from the same origin, or have the origin of the page allowed.'
