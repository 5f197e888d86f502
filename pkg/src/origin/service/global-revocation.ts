import type { Act, Recorded, UpstreamOutcome } from '../api.ts'
import type { NamedUser } from '../connectors/global-revocation.ts'
import type { Recorder } from './recorder.ts'

const ACTOR = 'connector:global-token-revocation'
/** From the mildest outcome to the worst. */
const OUTCOMES: readonly UpstreamOutcome[] = ['done', 'queued', 'refused']

export interface GlobalRevocation {
  realm: string
  /** At least one. */
  users: readonly NamedUser[]
  /** The issuer of the caller's JWT; `undefined` if it uses a secret. */
  caller: string | undefined
}

/**
 * Logs users out everywhere for a caller of Global Token Revocation, as of now, because a caller's clock may differ
 * from the issuer's. Rejects as `Committer.record`; some of several users may then have been recorded.
 */
export async function revokeGlobally(
  recorder: Recorder,
  { realm, users, caller }: GlobalRevocation,
  act: Act,
): Promise<Recorded> {
  const detail = caller === undefined ? 'secret' : `caller ${caller}`
  const recordEnd = ({ subject, issuer }: NamedUser): Promise<Recorded> => {
    const ofName = issuer === undefined ? {} : { issuer }
    const line = { action: 'tokens_revoked_globally', subject, detail } as const
    return recorder.record(realm, { kind: 'user', subject }, line, { actor: ACTOR, ...act, ...ofName })
  }
  const all = await Promise.all(users.map(recordEnd))
  const upstream = all.flatMap((recorded) => recorded.upstream ?? [])
  return {
    realm,
    sequence: Math.max(...all.map(({ sequence }) => sequence)),
    changed: all.some(({ changed }) => changed),
    ...(upstream.length === 0 ? {} : { upstream: worstOf(upstream) }),
  }
}

async function worstOf(outcomes: readonly Promise<UpstreamOutcome>[]): Promise<UpstreamOutcome> {
  const settled = await Promise.all(outcomes)
  return OUTCOMES.findLast((outcome) => settled.includes(outcome)) ?? 'done'
}
