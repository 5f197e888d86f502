import type { ErrorCode } from '../errors.ts'

/**
 * A `PortcullisError` by its brand, as another copy of the package makes it: an adapter imports no code of the package,
 * so that a bundle has the gate once.
 */
export function adapterError(code: ErrorCode, message: string): Error {
  return Object.assign(new Error(message), { name: 'PortcullisError', code, detail: undefined, [BRAND]: true })
}

/** For a push whose body another handler has read. */
export function bodyReadBefore(): Error {
  return adapterError(
    'body_unreadable',
    'the body of the push was read before: put receiveFeed before what parses bodies, such as express.json()',
  )
}

const BRAND = Symbol.for('portcullis.error')
