import type { ErrorCode } from '../errors.ts'

/**
 * Returns a `PortcullisError`, recognized by its brand as if another copy of the package had made it. Adapters import
 * no code of the package, so a bundle contains the gate once.
 */
export function adapterError(code: ErrorCode, message: string): Error {
  return Object.assign(new Error(message), { name: 'PortcullisError', code, detail: undefined, [BRAND]: true })
}

/** Returns the error for a push whose body another handler has read. */
export function bodyReadBefore(): Error {
  return adapterError(
    'body_unreadable',
    'the body of the push was already read: put receiveFeed before body parsers such as express.json()',
  )
}

const BRAND = Symbol.for('portcullis.error')
