// A provider that exists only as a key, an in-memory origin and a gate, which share the provider's options and nothing
// else.

import type { TestContext } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { createGate } from '../../entry/edge/node.ts'
import { createOrigin, generateFeedKey, type Origin } from '../../entry/origin/node.ts'
import { memoryStore } from '../../origin/store/memory.ts'
import type { Gate, Verdict } from '../../types.ts'
import type { ProviderRealm } from '../index.ts'
import type { TokenShape } from './vectors.ts'

const ORIGIN = 'https://origin.test'

export interface ProviderStage {
  gate: Gate
  origin: Origin
  /** The URLs from which gate and origin requested keys. */
  askedForKeys: string[]
  /** Returns a token signed by jose. */
  sign(shape: Pick<TokenShape, 'header' | 'claims'>): Promise<string>
  /** Returns the gate's verdict after everything that the origin has recorded was applied. */
  check(token: string): Promise<Verdict>
}

/** `header`: the header of the tokens, whose key the provider publishes. */
export async function openProviderStage(
  t: TestContext,
  realm: ProviderRealm,
  { alg, kid }: TokenShape['header'],
): Promise<ProviderStage> {
  const { signingKey, publicKey } = await generateFeedKey()
  const askedForKeys: string[] = []
  const issuerKey = await pairFor(alg)
  // Without `alg`, as some vendors publish their keys.
  const keys = [{ ...(await exportJWK(issuerKey.publicKey)), kid, use: 'sig' }]
  const fetchHere: typeof fetch = async (input, init) => {
    const request = new Request(input, init)
    if (request.url.startsWith(`${ORIGIN}/`)) return origin.fetch(request)
    askedForKeys.push(request.url)
    return request.url === realm.jwks ? Response.json({ keys }) : new Response(null, { status: 404 })
  }
  const origin = await createOrigin({
    store: memoryStore(),
    signingKey,
    realms: [realm],
    fetch: fetchHere,
    onReport: () => undefined,
  })
  t.after(() => origin.close())
  const gate = createGate({
    realms: [{ ...realm, feed: { url: `${ORIGIN}/feed/${realm.name}`, keys: [publicKey] } }],
    fetch: fetchHere,
    onReport: () => undefined,
  })
  t.after(() => gate.close())
  return {
    gate,
    origin,
    askedForKeys,
    sign: ({ header, claims }) => new SignJWT(claims).setProtectedHeader(header).sign(issuerKey.privateKey),
    async check(token) {
      await gate.refresh()
      return gate.check(token)
    },
  }
}

/** An RSA key takes a while, and one serves all tests. */
const pairs = new Map<string, ReturnType<typeof generateKeyPair>>()

function pairFor(algorithm: string): ReturnType<typeof generateKeyPair> {
  const made = pairs.get(algorithm) ?? generateKeyPair(algorithm, { extractable: true })
  pairs.set(algorithm, made)
  return made
}
