// A job for the worker, as plain data that can be posted.

import type { JWK } from 'portcullis/edge'

export interface Job {
  issuer: string
  audience: string
  jwk: JWK
  feed: { url: string; keys: JWK[] }
  /** Paths of the feed's files, below its URL. */
  files: string[]
  tokens: string[]
  check: 'check' | 'checkSync'
  /** Whether each token is new to the gate when it is checked. */
  sight: 'first' | 'again'
}
