import type { JsonSchema } from '../../options.ts'

/** A route in the OpenAPI document (OpenAPI 3.1 §4.8.10), abbreviated. */
export interface Operation {
  /** One sentence. */
  summary: string
  /** How a caller authenticates, if the route itself checks it. Default: without credentials. */
  security?: readonly ('edge' | 'client' | 'caller')[]
  /** Query parameters, keyed by name. */
  query?: Readonly<Record<string, QueryParameter>>
  /** The request's body. Default: none is read. */
  body?: RequestBody
  /** The responses of the route itself, keyed by status. The router adds its own (401, 403, 404, 405, 429, …). */
  answers: Readonly<Record<number, Answer>>
}

export interface QueryParameter {
  description: string
  schema: Schema
  /** Default `optional`. */
  need?: 'required' | 'optional'
}

/** The query parameter of every act of an administrator. */
export const REASON_PARAMETER: Readonly<Record<string, QueryParameter>> = {
  reason: {
    description: 'The reason, for the audit log.',
    schema: { type: 'string', maxLength: 256, pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$' },
  },
}

export interface RequestBody {
  type: 'application/json' | 'application/x-www-form-urlencoded' | 'text/plain' | 'application/secevent+jwt'
  schema: Schema
  /** Default `required`. */
  need?: 'required' | 'optional'
}

export interface Answer {
  description: string
  /** Default: no body. */
  type?: string
  schema?: Schema
  /** Other representations, on request. */
  otherTypes?: readonly string[]
  /** Headers, keyed by name. */
  headers?: Readonly<Record<string, ResponseHeader>>
}

export interface ResponseHeader {
  description: string
  schema: Schema
}

export type Schema = JsonSchema
