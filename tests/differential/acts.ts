// Random revocations and corrections: how each is recorded at an origin and in the model.

import type { Origin } from 'portcullis/origin'
import type { PublishedKey } from './keys.ts'
import type { Policy } from './policy.ts'
import type { Random } from './random.ts'
import type { EventTime, Revocations } from './revocations.ts'
import { CLIENTS, SESSIONS, USERS } from './tokens.ts'

interface Act {
  /** Describes the act in the message of a failure. */
  name: string
  /** The token that it revokes by id. */
  token?: string
  atOrigin(origin: Origin): Promise<unknown>
  inModel(model: Revocations): void
}

/** A token that can be revoked by id. */
export interface Revocable {
  issuer: string
  id: string
  text: string
  thumbprint: string
  issuedAt: number
  expiresAt: number
}

/** Names, keys and tokens that an act can refer to. */
interface Known {
  now: number
  policy: Policy
  keys: readonly PublishedKey[]
  tokens: readonly Revocable[]
  isBanned(thumbprint: string): boolean
}

/** The greatest age of an event, in seconds. */
const LONGEST_AGO = 300

export function chooseAct(random: Random, known: Known): Act {
  const { now, policy, keys, tokens } = known
  const issuer = random.pick(policy.issuers)
  const of = policy.separate ? { issuer } : {}
  const [user, session, client] = [random.pick(USERS), random.pick(SESSIONS), random.pick(CLIENTS)]
  const { thumbprint } = random.pick(keys).key
  const at =
    now - random.pick([0, 1, random.below(30), random.below(Math.min(policy.lifetimeOfOrigin >> 1, LONGEST_AGO))])
  // An event has its own time or happens now.
  const dated: EventTime = random.chance(0.6) ? { occurredAt: at } : {}
  // A caller may also choose a not-before, even slightly ahead.
  const ahead = { notBefore: now + random.between(1, policy.origin.skewSeconds + 2) }
  const timed: EventTime = random.weighted([
    [2, dated],
    [2, { notBefore: at }],
    [1, ahead],
  ])
  const { notBefore, ...others } = timed
  const corrected = random.pick([0, at])
  const notBeforeOrNone = corrected === 0 ? {} : { notBefore: corrected }
  const reason = 'a mistake'
  const version = random.between(1, 3)
  const place = JSON.stringify({
    now,
    ...of,
    user: user.slice(0, 10),
    session,
    client,
    thumbprint,
    dated,
    timed,
    corrected,
    version,
  })

  const act = (name: string, atOrigin: Act['atOrigin'], inModel: Act['inModel']): Act => ({
    name: `${name} of ${place}`,
    atOrigin,
    inModel,
  })
  const kinds: readonly (readonly [weight: number, choose: () => Act])[] = [
    [tokens.length > 0 ? 10 : 0, () => revokeOne(random, random.pick(tokens), known)],
    [
      3,
      () =>
        act(
          'endSession',
          (origin) => origin.endSession('a', session, { ...dated, ...of }),
          (model) => model.endSession(issuer, session, now, dated),
        ),
    ],
    [
      4,
      () =>
        act(
          'endClientSession',
          (origin) => origin.endClientSession('a', session, client, { ...dated, ...of }),
          (model) => model.endClientSession(issuer, session, client, now, dated),
        ),
    ],
    [
      3,
      () =>
        act(
          'logoutUser',
          (origin) => origin.logoutUser('a', user, { ...dated, ...of }),
          (model) => model.logoutUser(issuer, user, now, dated),
        ),
    ],
    [
      4,
      () =>
        act(
          'endGrant',
          (origin) => origin.endGrant('a', user, client, { ...timed, ...of }),
          (model) => model.endGrant(issuer, user, client, now, timed),
        ),
    ],
    [
      1,
      () =>
        act(
          'setClientNotBefore',
          (origin) => origin.setClientNotBefore('a', client, notBefore, others),
          (model) => model.setClientNotBefore(client, now, timed),
        ),
    ],
    [
      0.2,
      () =>
        act(
          'setRealmNotBefore',
          (origin) => origin.setRealmNotBefore('a', notBefore, others),
          (model) => model.setRealmNotBefore(now, timed),
        ),
    ],
    [
      0.2,
      () =>
        act(
          'logoutRealm',
          (origin) => origin.logoutRealm('a', dated),
          (model) => model.setRealmNotBefore(now, dated),
        ),
    ],
    [
      1,
      () =>
        act(
          'raiseKeyNotBefore',
          (origin) => origin.raiseKeyNotBefore('a', thumbprint, timed),
          (model) => model.raiseKeyNotBefore(thumbprint, now, timed),
        ),
    ],
    [
      0.7,
      () =>
        act(
          'banKey',
          (origin) => origin.banKey('a', thumbprint, { force: true }),
          (model) => model.banKey(thumbprint),
        ),
    ],
    [
      2,
      () =>
        act(
          'raiseTokenVersion',
          (origin) => origin.raiseTokenVersion('a', user, version, of),
          (model) => model.raiseTokenVersion(issuer, user, version),
        ),
    ],
    [
      1,
      () =>
        act(
          'correct: a ban',
          (origin) => origin.correct('a', { kind: 'keyBanned', thumbprint }, { reason }),
          (model) => model.liftBan(thumbprint),
        ),
    ],
    [
      1,
      () =>
        act(
          'correct: a user',
          (origin) => origin.correct('a', { kind: 'user', subject: user, ...notBeforeOrNone }, { reason, ...of }),
          (model) => model.correctUser(issuer, user, corrected),
        ),
    ],
    [
      1,
      () =>
        act(
          'correct: a session',
          (origin) => origin.correct('a', { kind: 'session', session, ...notBeforeOrNone }, { reason, ...of }),
          (model) => model.correctSession(issuer, session, corrected),
        ),
    ],
    [
      1,
      () =>
        act(
          'correct: a grant',
          (origin) =>
            origin.correct('a', { kind: 'grant', subject: user, client, ...notBeforeOrNone }, { reason, ...of }),
          (model) => model.correctGrant(issuer, user, client, corrected),
        ),
    ],
    [
      1,
      () =>
        act(
          'correct: a client',
          (origin) => origin.correct('a', { kind: 'client', client, ...notBeforeOrNone }, { reason }),
          (model) => model.correctClient(client, corrected),
        ),
    ],
    [
      2,
      () =>
        act(
          'correct: the realm',
          (origin) => origin.correct('a', { kind: 'realm', ...notBeforeOrNone }, { reason }),
          (model) => model.correctRealm(corrected),
        ),
    ],
    [
      1,
      () =>
        act(
          'correct: a version',
          (origin) => origin.correct('a', { kind: 'tokenVersion', subject: user, minimum: 0 }, { reason, ...of }),
          (model) => model.correctVersion(issuer, user, 0),
        ),
    ],
  ]
  return random.weighted(kinds)()
}

/** Revokes by the token, or by its id with a random amount of detail. */
function revokeOne(random: Random, token: Revocable, { policy, isBanned }: Known): Act {
  const { issuer, id, text, thumbprint, issuedAt, expiresAt } = token
  const of = policy.separate ? { issuer } : {}
  const byId = ['id', (origin: Origin) => origin.revokeTokenId('a', id, of)] as const
  const [how, atOrigin] = random.pick<readonly [string, Act['atOrigin']]>([
    byId,
    ['id and times', (origin) => origin.revokeTokenId('a', id, { expiresAt, issuedAt, ...of })],
    // The origin no longer identifies a token of a banned key.
    isBanned(thumbprint) ? byId : ['token', (origin) => origin.revokeToken(text)],
  ])
  return { name: `revoke ${id} by ${how}`, token: text, atOrigin, inModel: (model) => model.revokeToken(issuer, id) }
}
