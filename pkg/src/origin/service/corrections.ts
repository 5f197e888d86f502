import { isObject } from '../../options.ts'
import { type Act, type Correction, CORRECTIONS, type OfIssuer, type Recorded } from '../api.ts'
import type { LedgerCorrection } from '../core/ledger.ts'
import { checkName, checkNotBefore, checkThumbprint, checkVersion, refused } from './checks.ts'
import { type Line, ofClient, type Recorder } from './recorder.ts'

/**
 * Replaces a mistaken value, as `Origin.correct` does. The act has no time, because a correction itself states the
 * right one.
 */
export async function correct(
  recorder: Recorder,
  realm: string,
  correction: Correction,
  act: Act & OfIssuer & { reason: string },
): Promise<Recorded> {
  if (act?.reason === undefined || act.reason === '') throw refused('missing_reason', 'a correction needs a reason')
  const checked = checkCorrection(correction)
  return recorder.record(
    realm,
    { kind: 'correction', correction: checked },
    { action: 'corrected', ...lineOf(checked) },
    act,
  )
}

function checkCorrection(correction: Correction): LedgerCorrection {
  // An array with one kind would pass as its name.
  if (!isObject(correction) || typeof correction.kind !== 'string' || !Object.hasOwn(CORRECTIONS, correction.kind)) {
    throw refused('unknown_kind', `kind must be one of ${Object.keys(CORRECTIONS).join(', ')}`)
  }
  const members = ['kind', ...CORRECTIONS[correction.kind]]
  if (Object.keys(correction).some((member) => !members.includes(member))) {
    throw refused('unknown_member', `a correction of this kind has only the members ${members.join(', ')}`)
  }
  switch (correction.kind) {
    case 'session':
      return {
        kind: 'session',
        session: checkName('session', correction.session),
        ...checkNotBefore(correction.notBefore),
      }
    case 'clientSession': {
      const { session, authorizedParty, notBefore } = correction
      const names = {
        session: checkName('session', session),
        authorizedParty: checkName('authorizedParty', authorizedParty),
      }
      return { kind: 'clientSession', ...names, ...checkNotBefore(notBefore) }
    }
    case 'user':
      return {
        kind: 'user',
        subject: checkName('subject', correction.subject),
        ...checkNotBefore(correction.notBefore),
      }
    case 'grant': {
      const names = {
        subject: checkName('subject', correction.subject),
        client: checkName('client', correction.client),
      }
      return { kind: 'grant', ...names, ...checkNotBefore(correction.notBefore) }
    }
    case 'client':
      return { kind: 'client', client: checkName('client', correction.client), ...checkNotBefore(correction.notBefore) }
    case 'realm':
      return { kind: 'realm', ...checkNotBefore(correction.notBefore) }
    case 'keyBanned':
      return { kind: 'keyBanned', thumbprint: checkThumbprint(correction.thumbprint) }
    case 'keyNotBefore':
      return {
        kind: 'keyNotBefore',
        thumbprint: checkThumbprint(correction.thumbprint),
        ...checkNotBefore(correction.notBefore),
      }
    case 'tokenVersion':
      return {
        kind: 'tokenVersion',
        subject: checkName('subject', correction.subject),
        minimum: checkVersion('minimum', correction.minimum),
      }
  }
}

/** Returns the line's subject and detail, as in the line of the corrected act. */
function lineOf(correction: LedgerCorrection): Pick<Line, 'subject' | 'detail'> {
  switch (correction.kind) {
    case 'session':
      return { subject: correction.session }
    case 'clientSession':
      return { subject: correction.session, detail: ofClient(correction.authorizedParty) }
    case 'user':
    case 'tokenVersion':
      return { subject: correction.subject }
    case 'grant':
      return { subject: correction.subject, detail: ofClient(correction.client) }
    case 'client':
      return { subject: correction.client }
    case 'keyBanned':
    case 'keyNotBefore':
      return { subject: correction.thumbprint }
    case 'realm':
      return {}
  }
}
