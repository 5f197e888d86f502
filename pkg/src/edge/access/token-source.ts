import { PortcullisError } from '../../errors.ts'
import { bearerToken, type Presented } from '../../http/bearer.ts'
import { refused } from '../../http/refusal.ts'
import type { CookieSource, Refused, RequestLike, TokenSource } from '../../types.ts'
import { cookieToken } from './cookie.ts'
import { type CrossSitePolicy, isFromOwnPage } from './cross-site.ts'
import { subprotocolToken } from './subprotocol.ts'

/** Returns the token of a request, unchecked and never empty, or the refusal of a request without a usable one. */
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
export const fromBearer: TokenReader = ({ headers }) => tokenOf(bearerToken(headers))

function fromCookie({ cookie, origins = [], fetchSites = ['same-origin'] }: CookieSource): TokenReader {
  const policy: CrossSitePolicy = { origins: [...origins], fetchSites: [...fetchSites] }
  return (request) => {
    const token = tokenOf(cookieToken(request.headers.get('cookie'), cookie), request)
    return typeof token !== 'string' || isFromOwnPage(request, policy) ? token : refused('cross_site')
  }
}

function fromHeader(header: string): TokenReader {
  return ({ headers }) => {
    const value = headers.get(header)
    return tokenOf(
      value === null
        ? { kind: 'nothing' }
        : value.includes(',')
          ? { kind: 'several' }
          : { kind: 'token', token: value.trim() },
    )
  }
}

function fromSubprotocol(subprotocol: string): TokenReader {
  return (request) => tokenOf(subprotocolToken(request.headers.get('sec-websocket-protocol'), subprotocol), request)
}

function fromFunction(source: (request: RequestLike) => string | null | undefined): TokenReader {
  return (request) => {
    let given: unknown
    try {
      given = source(request)
    } catch (cause) {
      throw failed('threw: return undefined where a request has no token; error.cause has the error', cause)
    }
    if (given === undefined || given === null) return refused('missing_token')
    if (typeof given === 'string') return tokenOf({ kind: 'token', token: given })
    // A promise that nobody waits for must not end the process when it rejects.
    Promise.resolve(given).catch(() => undefined)
    throw failed('returned something else than a string: return the token at once, or undefined')
  }
}

function failed(what: string, cause?: unknown): PortcullisError {
  return new PortcullisError('invalid_option', `options.token ${what}`, { detail: 'token', cause })
}

/**
 * The token presented, or the refusal. `beside`: the request, where a token in its `Authorization` would be a second
 * one.
 */
function tokenOf(presented: Presented, beside?: RequestLike): string | Refused {
  switch (presented.kind) {
    case 'token':
      if (beside !== undefined && hasOtherToken(beside)) return refused('invalid_request')
      return presented.token === '' ? refused('malformed') : presented.token
    case 'nothing':
      return refused('missing_token')
    case 'several':
      return refused('invalid_request')
  }
}

/**
 * Whether `Authorization` may hold a second token. Basic credentials, such as those of a staging site's proxy, do not
 * count.
 */
function hasOtherToken({ headers }: RequestLike): boolean {
  const authorization = headers.get('authorization')
  return authorization !== null && !/^basic +[\w+/=.~-]*$/i.test(authorization)
}
