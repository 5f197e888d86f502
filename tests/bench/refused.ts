// The cost of a refusal: an attacker's garbage must not cost more than a valid token. Each token is new to the gate,
// except for `cached` (revoked) and `expired_cached`, whose signatures were checked before. Findings on claims are
// returned only after the signature check, so `expired` and `revoked` include one, as `accepting` does.

import type { Gate } from 'portcullis/edge'
import { makeFeed, revokedClaims, settingOf } from './feed.ts'
import { openGate } from './gate.ts'
import { line, OURS, race, type Contestant } from './race.ts'
import type { Bench } from './run.ts'
import { claimsOf, makeKey, mint } from './tokens.ts'

const REASONS = {
  form: 'malformed',
  expired: 'expired',
  banned: 'banned_key',
  revoked: 'token_revoked',
  cached: 'token_revoked',
  expired_cached: 'expired',
  accepting: 'accepted',
}
type Kind = keyof typeof REASONS
/** Kinds whose tokens the gate has seen before. */
const SEEN_BEFORE: readonly Kind[] = ['cached', 'expired_cached']

export const refused: Bench = {
  names: Object.keys(REASONS).map((kind) => `refused.${kind}`),
  async *run(wanted) {
    const [key, stolen] = await Promise.all([makeKey('RS256'), makeKey('RS256')])
    stolen.jwk.kid = 'stolen'
    const feed = await makeFeed({ ids: 100_000, epochs: 10_000, banned: [stolen.thumbprint] })
    try {
      const good = await mint(key)
      const revoked = await mint(key, good.length, (number) => revokedClaims(feed, number))
      const expired = await mint(key, good.length, () => ({
        exp: Number(claimsOf()['iat']) - 60,
        iat: Number(claimsOf()['iat']) - 360,
      }))
      const tokens: Record<Kind, Buffer[]> = {
        form: good.map((token) => token.subarray(0, token.lastIndexOf('.'))),
        expired,
        banned: await mint(stolen, good.length),
        revoked,
        cached: revoked,
        expired_cached: expired,
        accepting: good,
      }
      const setting = settingOf(feed, [key.jwk, stolen.jwk])
      const contestants = (Object.keys(REASONS) as Kind[]).map((kind): [Kind, Contestant] => {
        let gate: Gate | undefined
        return [
          kind,
          {
            tokens: tokens[kind],
            async ready() {
              gate?.close()
              gate = await openGate(setting)
              if (SEEN_BEFORE.includes(kind)) for (const token of tokens[kind]) await gate.check(token.toString())
            },
            async pass(strings) {
              for (const string of strings) {
                const verdict = await gate?.check(string)
                const found = verdict?.ok ? 'accepted' : verdict?.reason
                if (found !== REASONS[kind]) throw new Error(`${kind}: ${found}`)
              }
            },
          },
        ]
      })
      const figures = await race(Object.fromEntries(contestants))
      for (const [kind, value] of Object.entries(figures)) {
        if (wanted(`refused.${kind}`)) yield line(`refused.${kind}`, 'node', 'µs', { [OURS]: value })
      }
    } finally {
      await feed.close()
    }
  },
}
