// Corrects a mistaken not-before, token version or ban. Each correction needs a reason, which the audit log keeps.

import { h } from '../parts/dom.ts'
import { emptyState, notice } from '../parts/notice.ts'
import { visible } from '../parts/token.ts'
import type { AuditLine, Correction } from './administration.ts'
import type { Desk, Section } from './desk.ts'
import { Panel } from './panel.ts'
import { type Column, table } from './table.ts'
import { identifier, moment, nothing } from './words.ts'

export const correctionsSection: Section = { name: 'corrections', title: 'Corrections', open }

/** Number of audit entries read for each kind. */
const LINES_A_KIND = 20

/** How an action of the audit log is corrected. The revocation of a token cannot be corrected. */
interface Undoing {
  words: string
  /** Returns `undefined` if the entry lacks information. */
  correction: (line: AuditLine) => Correction | undefined
}

const UNDOINGS: Readonly<Record<string, Undoing>> = {
  session_ended: {
    words: 'Session logged out',
    correction: ({ subject }) => (subject === undefined ? undefined : { kind: 'session', session: subject }),
  },
  user_logged_out: {
    words: 'User logged out everywhere',
    correction: ({ subject }) => (subject === undefined ? undefined : { kind: 'user', subject }),
  },
  grant_ended: {
    words: 'App disconnected',
    correction({ subject, detail }) {
      const client = clientOf(detail)
      return subject === undefined || client === undefined ? undefined : { kind: 'grant', subject, client }
    },
  },
  token_version_raised: {
    words: 'Token version raised',
    correction: ({ subject }) => (subject === undefined ? undefined : { kind: 'tokenVersion', subject, minimum: 0 }),
  },
  client_not_before_set: {
    words: 'Not-before of a client set',
    correction: ({ subject }) => (subject === undefined ? undefined : { kind: 'client', client: subject }),
  },
  realm_logged_out: { words: 'All users logged out', correction: () => ({ kind: 'realm' }) },
  realm_not_before_set: { words: 'Not-before of the realm set', correction: () => ({ kind: 'realm' }) },
  key_not_before_raised: {
    words: 'Not-before of a key set',
    correction: ({ subject }) => (subject === undefined ? undefined : { kind: 'keyNotBefore', thumbprint: subject }),
  },
  key_banned: {
    words: 'Key banned',
    correction: ({ subject }) => (subject === undefined ? undefined : { kind: 'keyBanned', thumbprint: subject }),
  },
}

/** An action that can be undone. */
interface Undoable {
  line: AuditLine
  words: string
  correction: Correction
}

interface Asked {
  title: string
  /** The affected user, session, client or key. */
  subject: string
  /** Effects that the correction does not undo. */
  hint?: string
  done: string
  fields?: readonly HTMLElement[]
  /** Read when the administrator confirms. */
  correction(): Correction
}

function open(desk: Desk): readonly Node[] {
  const panel: Panel<Undoable[]> = new Panel(
    () => undoables(desk),
    (found) => {
      if (found.length === 0) return [emptyState('Nothing to correct', 'No log-out, token version or ban is in force.')]
      return [
        table(
          'Actions that can be undone',
          columnsOf(desk, () => panel.refresh()),
          found,
        ),
      ]
    },
  )
  void panel.refresh()
  return [
    h(
      'p',
      { class: 'hint prose' },
      'You can undo a log-out, a token version or a ban that was a mistake: ',
      'tokens refused because of it are accepted again until they expire. ',
      'The revocation of a token cannot be undone, and a session that the issuer has ended gets no new tokens.',
    ),
    panel.element,
  ]
}

function columnsOf(desk: Desk, again: () => Promise<void>): readonly Column<Undoable>[] {
  return [
    { title: 'Action', kind: 'row', cell: ({ words }) => words },
    { title: 'Subject', cell: ({ line }) => [whoIs(desk, line.subject), ...appOf(line)] },
    { title: 'When', cell: ({ line }) => moment(line.at) },
    { title: 'Reason', cell: ({ line }) => (line.reason === undefined ? nothing() : visible(line.reason)) },
    {
      title: 'Actions',
      kind: 'actions',
      cell(undoable) {
        const label = `Undo: ${undoable.words}, ${subjectOf(desk, undoable.line)}`
        const click = async (): Promise<void> => {
          if (await undo(desk, undoable)) await again()
        }
        return h('button', { type: 'button', 'aria-label': label, on: { click: () => void click() } }, 'Undo')
      },
    },
  ]
}

function undo(desk: Desk, { words, correction, line }: Undoable): Promise<boolean> {
  const subject = line.subject === undefined ? `the realm ${desk.demo.realm}` : subjectOf(desk, line)
  const asked = { title: `Undo “${words}”?`, subject, done: `Undone: ${words.toLowerCase()} (${subject}).` }
  if (correction.kind === 'session') {
    const hint =
      'Its access tokens are valid again until they expire. The issuer has ended the session and will not issue new ones.'
    return askToCorrect(desk, { ...asked, hint, correction: () => correction })
  }
  if (correction.kind !== 'tokenVersion') return askToCorrect(desk, { ...asked, correction: () => correction })
  const minimum = h('input', {
    id: 'corrected-version',
    type: 'number',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    step: 1,
    value: 0,
    required: true,
    inputmode: 'numeric',
  })
  const field = h('div', { class: 'field' }, h('label', { for: minimum.id }, 'Minimum accepted version'), minimum)
  return askToCorrect(desk, {
    ...asked,
    fields: [field],
    correction: () => ({ ...correction, minimum: minimum.valueAsNumber }),
  })
}

/** Asks for the reason and sends the correction. Resolves with whether it was sent. */
export function askToCorrect(
  desk: Desk,
  { title, subject, hint, done, fields = [], correction }: Asked,
): Promise<boolean> {
  return desk.perform({
    title,
    text: [
      h('p', {}, 'It concerned ', h('strong', {}, visible(subject)), '.'),
      hint === undefined ? undefined : h('p', {}, hint),
      notice('warning', 'Tokens that were refused are accepted again. The audit log records who did this and why.'),
    ],
    verb: 'Undo',
    kind: 'danger',
    reason: 'required',
    fields,
    done,
    run: (reason) => desk.administration.correct(correction(), reason),
  })
}

/** Returns the actions that are still in force according to the audit log and the lists, newest first. */
async function undoables({ administration }: Desk): Promise<Undoable[]> {
  const [corrected, users = [], keys, ...lines] = await Promise.all([
    administration.events({ action: 'corrected', max: 100 }),
    administration.users({ first: 0, max: 1_000 }),
    administration.keys(),
    ...Object.keys(UNDOINGS).map((action) => administration.events({ action, max: LINES_A_KIND })),
  ])
  const isInForce = (line: AuditLine, { kind }: Correction): boolean => {
    const user = users.find(({ id }) => id === line.subject)
    if (kind === 'user' && user !== undefined) return user.notBefore > 0
    if (kind === 'tokenVersion' && user !== undefined) return user.tokenVersion > 0
    if (kind === 'keyBanned') return keys.some(({ thumbprint, banned }) => banned && thumbprint === line.subject)
    if (kind === 'keyNotBefore')
      return keys.some(({ thumbprint, notBefore }) => notBefore > 0 && thumbprint === line.subject)
    const isSame = ({ subject, detail }: AuditLine): boolean =>
      subject === line.subject && clientOf(detail) === clientOf(line.detail)
    return !corrected.lines.some((each) => each.id > line.id && isSame(each))
  }
  const found = lines.flatMap((page) => page.lines).sort((one, other) => other.id - one.id)
  const seen = new Set<string>()
  return found.flatMap((line) => {
    const undoing = UNDOINGS[line.action]
    const correction = undoing?.correction(line)
    if (undoing === undefined || correction === undefined || isCut(line) || !isInForce(line, correction)) return []
    // Only the newest action on a subject is in force, so it is listed once.
    const key = JSON.stringify(correction)
    if (seen.has(key)) return []
    seen.add(key)
    return [{ line, words: undoing.words, correction }]
  })
}

/** Returns the client of an entry that concerns a client of a user or session. */
function clientOf(detail: string | undefined): string | undefined {
  return detail === undefined ? undefined : /^(?:[a-z]+_[a-z]+ )?client (.*)$/s.exec(detail)?.[1]
}

/** Whether the log holds a truncated name with a hash, which cannot be used as the name. */
function isCut({ subject = '', detail = '' }: AuditLine): boolean {
  return [subject, detail].some((text) => /…[\w-]{22}$/.test(text))
}

function whoIs(desk: Desk, subject: string | undefined): Node {
  if (subject === undefined) return h('span', {}, 'the realm')
  const name = desk.nameOf(subject)
  return name === undefined ? identifier(subject) : h('span', { title: subject }, name)
}

/** Describes the subject of an entry, such as `alice, app agent`. */
function subjectOf(desk: Desk, { subject = 'the realm', detail }: AuditLine): string {
  const [name, client] = [desk.nameOf(subject) ?? subject, clientOf(detail)]
  return client === undefined ? name : `${name}, app ${visible(client)}`
}

function appOf({ detail }: AuditLine): readonly Node[] {
  const client = clientOf(detail)
  return client === undefined ? [] : [h('span', {}, ', app '), identifier(client)]
}
