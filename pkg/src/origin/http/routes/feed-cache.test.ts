// Readers of two minor versions behind one cache, such as a CDN, which stores responses by URL and ignores request
// headers.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MINORS } from '../../core/minor.ts'
import { TestReader } from '../../testing/reader.ts'
import { openStage, type Stage } from '../../testing/stage.ts'

interface Stored {
  body: ArrayBuffer
  etag: string | null
  /** Unix milliseconds; 0 if the origin is asked each time. */
  freshUntil: number
}

/** A shared cache in front of an origin (RFC 9111), keyed by URL. */
class CachingProxy {
  readonly #stage: Stage
  readonly #stored = new Map<string, Stored>()
  /** Responses from the cache, without a request or after a 304. */
  hits = 0

  constructor(stage: Stage) {
    this.#stage = stage
  }

  async get(path: string): Promise<Response> {
    const stored = this.#stored.get(path)
    if (stored !== undefined && stored.freshUntil > Date.now()) return this.#hit(stored)
    const validator = stored?.etag ?? undefined
    const response = await this.#stage.get(
      path,
      validator === undefined ? {} : { headers: { 'if-none-match': validator } },
    )
    assert.equal(response.headers.get('vary'), null, 'no request header selects a response')
    if (response.status === 304 && stored !== undefined) return this.#hit(stored)
    const directives = (response.headers.get('cache-control') ?? '').split(/, */)
    if (response.status !== 200 || directives.includes('no-store') || directives.includes('private')) return response
    const maxAge = Number(directives.find((each) => each.startsWith('max-age='))?.slice(8) ?? 0)
    const freshUntil = directives.includes('no-cache') ? 0 : Date.now() + maxAge * 1000
    const body = await response.arrayBuffer()
    this.#stored.set(path, { body, etag: response.headers.get('etag'), freshUntil })
    return new Response(body)
  }

  #hit({ body }: Stored): Response {
    this.hits += 1
    return new Response(body)
  }
}

test('no reader gets the form of another minor version', async () => {
  const stage = await openStage()
  const proxy = new CachingProxy(stage)
  const get = (path: string): Promise<Response> => proxy.get(`/feed/acme/${path}`)
  const readers = MINORS.map((minor) => new TestReader({ minor, issuer: stage.issuer, feedKey: stage.publicKey, get }))
  // Two of each, so that the second gets responses cached for the first.
  const all = [
    ...readers,
    ...MINORS.toReversed().map(
      (minor) => new TestReader({ minor, issuer: stage.issuer, feedKey: stage.publicKey, get }),
    ),
  ]
  try {
    const disconnected = await stage.issuer.token({ sub: 'alice', azp: 'app' })
    for (let change = 0; change < 30; change += 1) {
      if (change % 5 === 4) await stage.origin.endGrant('acme', 'alice', 'app')
      else if (change % 7 === 6)
        await stage.origin.correct('acme', { kind: 'user', subject: 'bob' }, { reason: 'test' })
      else await stage.origin.logoutUser('acme', change % 7 === 5 ? 'bob' : `user-${change}`)
      // A reader throws if a statement does not have its form.
      for (const reader of change % 2 === 0 ? all : all.toReversed()) {
        await (change % 3 === 0 ? reader.pullManifest() : reader.pullDelta())
        assert.equal(reader.sequence, stage.sequence())
      }
      for (const reader of all) await reader.pullManifest()
    }
    assert.deepEqual(
      readers.map((reader) => reader.reasonOf(disconnected)),
      ['user_revoked', 'grant_revoked'],
    )
    assert.ok(proxy.hits > 30, `${proxy.hits} hits`)
  } finally {
    for (const reader of all) reader.free()
    await stage.close()
  }
})
