import { PortcullisError } from '../../errors.ts'
import { bearerToken, type Presented } from '../../http/bearer.ts'
import { refused } from '../../http/refusal.ts'
import type { CookieSource, Refused, RequestLike, TokenSource } from '../../types.ts'
import { cookieToken } from './cookie.ts'
import { type CrossSitePolicy, isFromOwnPage } from './cross-site.ts'
import { subprotocolToken } from './subprotocol.ts'

/** Returns the token of a request, unchecked and never empty, or the refusal of a request without a usable one. */
export type TokenReader = (request: RequestLike) => string | Refused

/** Returns the reader for a validated token source. */
export function tokenReader(source: TokenSource): TokenReader {
  if (source === 'bearer') return fromBearer
  if (typeof source === 'function') return fromFunction(source)
  if ('cookie' in source) return fromCookie(source)
  if ('header' in source) return fromHeader(source.header)
  return fromSubprotocol(source.subprotocol)
}

/** Reads the token from `Authorization` (RFC 6750 §2.1). */
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
      throw failed('threw: return undefined if a request has no token; see error.cause', cause)
    }
    if (given === undefined || given === null) return refused('missing_token')
    if (typeof given === 'string') return tokenOf({ kind: 'token', token: given })
    // A promise that is not awaited must not end the process when it rejects.
    Promise.resolve(given).catch(() => undefined)
    throw failed('returned a value that is not a string: return the token synchronously, or undefined')
  }
}

function failed(what: string, cause?: unknown): PortcullisError {
  return new PortcullisError('invalid_option', `options.token ${what}`, { detail: 'token', cause })
}

/**
 * Returns the token presented, or a refusal. `beside`: the request, if a token in its `Authorization` would be a second
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
 * Returns whether `Authorization` may contain a second token. Basic credentials, such as those for a staging site's
 * proxy, do not count.
 */
function hasOtherToken({ headers }: RequestLike): boolean {
  const authorization = headers.get('authorization')
  return authorization !== null && !/^basic +[\w+/=.~-]*$/i.test(authorization)
}
