// Checks crowds of tokens with the slim module inside a worker. POST the realm first, then lists of tokens.

import { createGate, type Gate, type RealmOptions } from 'portcullis/edge/slim'

let gate: Gate | undefined
let reports = 0

export default {
  async fetch(request: Request): Promise<Response> {
    if (request.method !== 'POST') return new Response('post a realm, then tokens')
    const { realm, tokens } = (await request.json()) as { realm?: RealmOptions; tokens?: string[] }
    if (realm !== undefined) {
      // Tokens are not cached, so the host verifies every one.
      const waits = { firstLoadTimeoutMs: 5000, refreshTimeoutMs: 5000, jwksTimeoutMs: 5000 }
      gate = createGate({ realms: [realm], verifiedTokenCacheEntries: 0, onReport: () => (reports += 1), ...waits })
      await gate.refresh()
    }
    const verdicts = await Promise.all((tokens ?? []).map((token) => gate?.check(token)))
    const outcomes = verdicts.map((verdict) =>
      verdict === undefined ? 'no gate' : verdict.ok ? 'accepted' : verdict.reason,
    )
    return Response.json({ outcomes, reports })
  },
}
