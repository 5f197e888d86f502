// Starts an origin on a filled database and prints how long that took.

import { createOrigin } from 'portcullis/origin'
import { sqliteStore } from 'portcullis/origin/sqlite'
import type { JWK } from 'portcullis'
import { SIGNING_KEY } from '../feed.ts'
import { answer, input } from '../program.ts'
import { AUDIENCE, ISSUER } from '../tokens.ts'

export interface Start {
  seconds: number
  sequence: number
}

const { database, jwk } = await input<{ database: string; jwk: JWK }>()
const start = performance.now()
const origin = await createOrigin({
  store: sqliteStore({ path: database }),
  realms: [{ name: 'bench', issuer: ISSUER, audience: AUDIENCE, jwks: { keys: [jwk] } }],
  signingKey: SIGNING_KEY,
})
const seconds = (performance.now() - start) / 1000
answer({ seconds, sequence: origin.status()[0]?.sequence ?? 0 } satisfies Start)
