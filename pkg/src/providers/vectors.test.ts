// Each provider's options, at a gate and an origin, with tokens as shown on the vendor's page.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Reason } from '../reasons.ts'
import type { Verdict } from '../types.ts'
import type { DatedAct } from '../origin/index.ts'
import type { ProviderRealm, Reach } from './index.ts'
import { openProviderStage, type ProviderStage } from './testing/provider-stage.ts'
import { type AcceptedShape, atNow, exportedProviders, type Vectors, vectorsOf } from './testing/vectors.ts'

/** The name of a claim, by its role in revocations. */
type Named = 'subject' | 'tokenId' | 'session' | 'client'

/** Names the issuer if a realm has several. */
type Act = DatedAct & { issuer?: string }

/** A method of the origin, and the gate's reason for the token afterwards. */
interface Revocation {
  revoke(stage: ProviderStage, realm: string, token: string, named: Record<Named, string>, act: Act): Promise<unknown>
  /** The claim in which an unaffected token differs; `undefined`: every token is affected. */
  other: Named | undefined
  reason: Reason
}

const REVOCATIONS: Record<Reach, Revocation> = {
  token: { revoke: ({ origin }, _, token) => origin.revokeToken(token), other: 'tokenId', reason: 'token_revoked' },
  session: {
    revoke: ({ origin }, realm, _, { session }, act) => origin.endSession(realm, session, act),
    other: 'session',
    reason: 'session_revoked',
  },
  user: {
    revoke: ({ origin }, realm, _, { subject }, act) => origin.logoutUser(realm, subject, act),
    other: 'subject',
    reason: 'user_revoked',
  },
  grant: {
    revoke: ({ origin }, realm, _, { subject, client }, act) => origin.endGrant(realm, subject, client, act),
    other: 'client',
    reason: 'grant_revoked',
  },
  client: {
    revoke: ({ origin }, realm, _, { client }) => origin.setClientNotBefore(realm, client),
    other: 'client',
    reason: 'client_revoked',
  },
  realm: { revoke: ({ origin }, realm) => origin.logoutRealm(realm), other: undefined, reason: 'realm_revoked' },
}
const REACHES = Object.keys(REVOCATIONS) as Reach[]

for (const { name, file, provider } of exportedProviders()) {
  const vectors = vectorsOf(file)
  for (const shape of vectors.accepted)
    testAccepted(name, provider(shape.options ?? vectors.options), provider.facts.reaches, shape)
  for (const { name: shape, header, claims, reason, options } of vectors.refused) {
    const realm = provider(options ?? vectors.options)
    test(`${name} refuses ${shape}`, async (t) => {
      const stage = await openProviderStage(t, realm, header)
      assert.equal(outcomeOf(await stage.check(await stage.sign({ header, claims: atNow(claims) }))), reason)
    })
  }
  testReaches(name, provider.facts.reaches, vectors)
}

function testAccepted(name: string, realm: ProviderRealm, reaches: readonly Reach[], accepted: AcceptedShape): void {
  const { name: shape, header, claims, reaches: own = [...reaches] } = accepted
  const sign = (stage: ProviderStage, changed: Record<string, unknown> = {}): Promise<string> =>
    stage.sign({ header, claims: { ...atNow(claims), ...changed } })

  test(`${name} accepts ${shape}, with keys from the provider's URL`, async (t) => {
    const stage = await openProviderStage(t, realm, header)
    assert.equal(outcomeOf(await stage.check(await sign(stage))), 'accepted')
    assert.deepEqual([...new Set(stage.askedForKeys)], [realm.jwks])
    assert.equal(stage.gate.status()[0]?.policyAgreement, 'same')
  })

  for (const reach of own) {
    const { revoke } = REVOCATIONS[reach]
    const { other, reason } = effectOf(realm, reach, claims)
    test(`${name}: ${shape} is refused after its ${reach} was revoked, and another's is not`, async (t) => {
      const stage = await openProviderStage(t, realm, header)
      const token = await sign(stage)
      const another = await sign(stage, other === undefined ? {} : differingIn(realm, other, claims))
      assert.deepEqual(
        [outcomeOf(await stage.check(token)), outcomeOf(await stage.check(another))],
        ['accepted', 'accepted'],
      )
      await revoke(stage, realm.name, token, namesIn(realm, claims), actOn(realm, claims))
      assert.equal(outcomeOf(await stage.check(token)), reason)
      assert.equal(outcomeOf(await stage.check(another)), other === undefined ? reason : 'accepted')
    })
  }

  for (const [deviation, changed, reason] of deviations(realm, claims)) {
    test(`${name} refuses ${shape} ${deviation}`, async (t) => {
      const stage = await openProviderStage(t, realm, header)
      assert.equal(outcomeOf(await stage.check(await sign(stage, changed))), reason)
    })
  }

  test(`${name} refuses ${shape} by another type in its header`, (t) =>
    refusesType(t, realm, { ...header, typ: 'logout+jwt' }, claims))
}

async function refusesType(
  t: TestContext,
  realm: ProviderRealm,
  header: AcceptedShape['header'],
  claims: Record<string, unknown>,
): Promise<void> {
  const stage = await openProviderStage(t, realm, header)
  assert.equal(outcomeOf(await stage.check(await stage.sign({ header, claims: atNow(claims) }))), 'wrong_type')
}

function testReaches(name: string, reaches: readonly Reach[], { accepted }: Vectors): void {
  test(`${name} only claims revocations that a token shows`, () => {
    const shown = new Set(accepted.flatMap((shape) => shape.reaches ?? reaches))
    assert.deepEqual(
      REACHES.filter((reach) => shown.has(reach)),
      REACHES.filter((reach) => reaches.includes(reach)),
    )
    assert.equal(new Set(reaches).size, reaches.length)
  })
}

type Deviation = [name: string, changed: Record<string, unknown>, reason: Reason]

/** Each claim that the options check, removed or with another party's value. */
function deviations(realm: ProviderRealm, claims: Record<string, unknown>): Deviation[] {
  const { issuerClaim = 'iss', claimNames, audience, authorizedParty, requiredClaims, withoutTokenId } = realm
  const others: Deviation[] = [['of another issuer', { [issuerClaim]: 'https://issuer.example/other' }, 'wrong_issuer']]
  if (audience !== 'none' && 'aud' in claims)
    others.push(['for another audience', { aud: 'https://api.example/other' }, 'wrong_audience'])
  if (authorizedParty !== undefined && !('aud' in claims))
    others.push(['of another party', { azp: 'other', client_id: 'other' }, 'wrong_audience'])
  const byTokenId = { refuse: [claimNames?.tokenId ?? 'jti'], session: [claimNames?.session ?? 'sid'], user: [] }
  const required = requiredClaims ?? [claimNames?.subject ?? 'sub', ...byTokenId[withoutTokenId ?? 'refuse']]
  const missing = [...new Set(['exp', 'iat', ...required])].map(
    (claim): Deviation => [`without ${claim}`, { [claim]: undefined }, 'missing_claim'],
  )
  return [...others, ...missing]
}

function claimOf({ claimNames, grantClaim }: ProviderRealm, named: Named, claims: Record<string, unknown>): string {
  switch (named) {
    case 'subject':
      return claimNames?.subject ?? 'sub'
    case 'tokenId':
      return claimNames?.tokenId ?? 'jti'
    case 'session':
      return claimNames?.session ?? 'sid'
    case 'client':
      return grantClaim ?? ('azp' in claims ? 'azp' : 'client_id')
  }
}

/** The claims of another party. A token may name its client twice, and the other client must be accepted as well. */
function differingIn(realm: ProviderRealm, named: Named, claims: Record<string, unknown>): Record<string, unknown> {
  const claim = claimOf(realm, named, claims)
  const accepted =
    named === 'client' ? [realm.authorizedParty ?? []].flat().find((party) => party !== claims[claim]) : undefined
  const another = accepted ?? 'another'
  return { [claim]: another, ...(named === 'client' && 'client_id' in claims ? { client_id: another } : {}) }
}

function namesIn(realm: ProviderRealm, claims: Record<string, unknown>): Record<Named, string> {
  const named = (role: Named): string => String(claims[claimOf(realm, role, claims)])
  return { subject: named('subject'), tokenId: named('tokenId'), session: named('session'), client: named('client') }
}

/** Revocations in a realm with several issuers name the intended one. */
function actOn({ issuer, sameSubjects }: ProviderRealm, { iss }: Record<string, unknown>): Act {
  return (typeof issuer === 'string' && !issuer.includes('{')) || sameSubjects === true ? {} : { issuer: String(iss) }
}

/** Revoking a token without an id ends its session, or the user's tokens up to it. */
function effectOf(
  realm: ProviderRealm,
  reach: Reach,
  claims: Record<string, unknown>,
): Pick<Revocation, 'other' | 'reason'> {
  const { withoutTokenId = 'refuse' } = realm
  const reached =
    reach !== 'token' || withoutTokenId === 'refuse' || claimOf(realm, 'tokenId', claims) in claims
      ? reach
      : withoutTokenId
  return REVOCATIONS[reached]
}

function outcomeOf(verdict: Verdict): Reason | 'accepted' {
  return verdict.ok ? 'accepted' : verdict.reason
}
