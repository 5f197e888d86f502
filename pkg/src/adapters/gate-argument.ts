import type { Gate } from '../types.ts'
import { adapterError } from './errors.ts'

/** The gate methods that adapters call; its `env` may be of any type. */
export type AnyGate = Pick<Gate<never>, 'authenticator' | 'challenge' | 'receiveFeed'>

/** Throws `invalid_option` unless the argument is a gate. */
export function mustBeGate(gate: AnyGate, call: string): void {
  if (typeof gate?.authenticator === 'function') return
  throw adapterError('invalid_option', `${call} needs a gate: the one that createGate of portcullis/edge returned`)
}

/** Throws `invalid_option` for a third argument without a handler: its scopes would be ignored. */
export function mustHaveHandler(handler: unknown, options: unknown): void {
  if (options !== undefined && typeof handler !== 'function')
    throw adapterError('invalid_option', 'protect(gate, handler, options) needs a handler')
}
