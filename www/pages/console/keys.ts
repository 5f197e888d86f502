// The signing keys of the realm's issuer.

import { h } from '../parts/dom.ts'
import { emptyState } from '../parts/notice.ts'
import type { Correction, Key } from './administration.ts'
import { askToCorrect } from './corrections.ts'
import type { Desk, Section } from './desk.ts'
import { Panel } from './panel.ts'
import { type Column, table } from './table.ts'
import { badge, identifier, moment, nothing } from './words.ts'

export const keysSection: Section = { name: 'keys', title: 'Keys', open }

function open(desk: Desk): readonly Node[] {
  const panel = new Panel(
    () => desk.administration.keys(),
    (keys) => {
      const again = (): Promise<void> => panel.refresh()
      if (keys.length === 0) return [emptyState('No keys', 'The issuer publishes no keys, so logins fail.')]
      return [table('Keys', columnsOf(desk, keys, again), keys)]
    },
  )
  const rotate = h(
    'button',
    { type: 'button', class: 'primary', on: { click: () => void rotateKeys(desk, () => panel.refresh()) } },
    'Rotate',
  )
  void panel.refresh()
  return [
    h(
      'div',
      { class: 'toolbar level' },
      h(
        'p',
        { class: 'hint' },
        'The active key signs; passive keys still verify. Tokens of a banned key are refused permanently: ban a key that has leaked. ',
        'A not-before refuses the tokens that a key has signed up to a time; the key stays in use.',
      ),
      rotate,
    ),
    panel.element,
  ]
}

function columnsOf(desk: Desk, keys: readonly Key[], again: () => Promise<void>): readonly Column<Key>[] {
  return [
    {
      title: 'Key',
      kind: 'row',
      cell: (key) => [identifier(nameOf(key)), ...(isMine(desk, key) ? [badge('info', 'signed your token')] : [])],
    },
    { title: 'Algorithm', cell: ({ algorithm }) => algorithm ?? nothing() },
    { title: 'Status', cell: ({ status, banned }) => statusOf(status, banned) },
    { title: 'Not before', cell: ({ notBefore }) => (notBefore === 0 ? nothing() : moment(notBefore)) },
    { title: 'Created', cell: ({ createdAt }) => (createdAt === undefined ? nothing() : moment(createdAt)) },
    { title: 'Actions', kind: 'actions', cell: (key) => actionsOf(desk, key, keys, again) },
  ]
}

function statusOf(status: Key['status'], banned: boolean): HTMLElement {
  if (banned) return badge('error', 'Banned')
  switch (status) {
    case 'ACTIVE':
      return badge('good', 'Active')
    case 'PASSIVE':
      return badge('info', 'Passive')
    case 'DISABLED':
      return badge('warning', 'Disabled')
  }
}

function actionsOf(desk: Desk, key: Key, keys: readonly Key[], again: () => Promise<void>): readonly HTMLElement[] {
  const name = nameOf(key)
  const button = (text: string, kind: string, click: () => Promise<void>): HTMLButtonElement =>
    h(
      'button',
      { type: 'button', class: kind, 'aria-label': `${text}: ${name}`, on: { click: () => void click() } },
      text,
    )
  const { thumbprint } = key
  const undo = (
    text: string,
    asked: { title: string; done: string; correction: () => Correction },
  ): HTMLButtonElement =>
    button(text, 'quiet', async () => void ((await askToCorrect(desk, { ...asked, subject: name })) && (await again())))
  const lift = (of: string): HTMLElement =>
    undo('Lift ban', {
      title: 'Lift the ban?',
      done: 'The ban was lifted.',
      correction: () => ({ kind: 'keyBanned', thumbprint: of }),
    })
  const takeBack = (of: string): HTMLElement =>
    undo('Remove not-before', {
      title: 'Remove the not-before?',
      done: 'The not-before was removed.',
      correction: () => ({ kind: 'keyNotBefore', thumbprint: of }),
    })
  const taken = thumbprint === undefined || key.notBefore === 0 ? [] : [takeBack(thumbprint)]
  if (key.banned) return [...(thumbprint === undefined ? [] : [lift(thumbprint)]), ...taken]
  const retire = key.status === 'PASSIVE' && key.kid !== undefined
  return [
    ...taken,
    button('Set not-before', 'plain', () => limitKey(desk, key, again)),
    ...(retire ? [button('Retire', 'plain', () => retireKey(desk, key, again))] : []),
    button('Ban', 'danger', () => banKey(desk, key, keys, again)),
  ]
}

async function rotateKeys(desk: Desk, again: () => Promise<void>): Promise<void> {
  const done = await desk.perform({
    title: 'Rotate the signing key?',
    text: [h('p', {}, 'A new key signs from now on. Tokens signed by older keys stay valid.')],
    verb: 'Rotate',
    kind: 'primary',
    reason: 'optional',
    done: 'The signing key was rotated.',
    run: (reason) => desk.administration.rotateKeys(reason),
  })
  if (done) await again()
}

async function retireKey(desk: Desk, key: Key, again: () => Promise<void>): Promise<void> {
  const done = await desk.perform({
    title: 'Retire this key?',
    text: [
      h(
        'p',
        {},
        'The key ',
        identifier(nameOf(key)),
        ' leaves the set. Tokens that it signed are then refused because the key is unknown.',
      ),
      ...warningOf(desk, key),
    ],
    verb: 'Retire',
    kind: 'danger',
    reason: 'optional',
    done: 'The key was retired.',
    ownLogin: isMine(desk, key) ? 'ends' : 'goes_on',
    run: (reason) => desk.administration.retireKey(key.kid ?? '', reason),
  })
  if (done) await again()
}

/** Sets a key's not-before; without a time, to now. */
async function limitKey(desk: Desk, key: Key, again: () => Promise<void>): Promise<void> {
  const until = h('input', { id: 'key-not-before', type: 'datetime-local', step: 1, max: localTime(Date.now()) })
  const field = h(
    'div',
    { class: 'field' },
    h('label', { for: until.id }, 'Issued up to (local time; empty: now)'),
    until,
  )
  const notBefore = (): number | undefined =>
    until.value === '' ? undefined : Math.floor(new Date(until.value).getTime() / 1000)
  const endsMine = (): boolean =>
    isMine(desk, key) && desk.session.identity.issuedAt <= (notBefore() ?? Number.POSITIVE_INFINITY)
  const done = await desk.perform({
    title: 'Refuse tokens that this key signed up to a time?',
    text: [
      h(
        'p',
        {},
        'Tokens that ',
        identifier(nameOf(key)),
        ' signed up to this time are refused. The key stays in use, and later tokens are accepted. Use this if tokens were ',
        'issued by mistake during some period.',
      ),
      h(
        'p',
        {},
        h(
          'strong',
          {},
          'It does not help against a leaked key: an attacker chooses the issue time in a forged token. Ban a leaked key.',
        ),
      ),
      ...(isMine(desk, key)
        ? [h('p', {}, 'This key signed your own token: if the time is now or later, you will be logged out here.')]
        : []),
    ],
    verb: 'Set not-before',
    kind: 'danger',
    reason: 'optional',
    fields: [field],
    done: 'The not-before of the key was set.',
    ownLogin: () => (endsMine() ? 'ends' : 'goes_on'),
    run: (reason) => desk.administration.raiseKeyNotBefore(key.thumbprint ?? key.kid ?? '', notBefore(), reason),
  })
  if (done) await again()
}

/** Formats a time for a `datetime-local` input, such as `2026-11-30T09:05:00`. */
function localTime(unixMs: number): string {
  const date = new Date(unixMs)
  return new Date(unixMs - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}

async function banKey(desk: Desk, key: Key, keys: readonly Key[], again: () => Promise<void>): Promise<void> {
  const isLast = keys.every((other) => other === key || other.banned || other.use === 'enc')
  const force = h('input', { id: 'ban-force', type: 'checkbox', required: true })
  const nevertheless = h(
    'div',
    { class: 'check' },
    force,
    h('label', { for: force.id }, 'Ban it even though it is the last key'),
  )
  const done = await desk.perform({
    title: 'Ban this key?',
    text: [
      h(
        'p',
        {},
        'Every token that ',
        identifier(nameOf(key)),
        ' signed is refused from now on: access tokens and refresh tokens.',
      ),
      isLast
        ? h('p', {}, 'It is the last key of the realm. Rotate first: without a key, no one can log in.')
        : undefined,
      ...warningOf(desk, key),
    ],
    verb: 'Ban',
    kind: 'danger',
    reason: 'optional',
    fields: isLast ? [nevertheless] : [],
    done: 'The key was banned.',
    ownLogin: isMine(desk, key) ? 'ends' : 'goes_on',
    run: (reason) => desk.administration.banKey(key.thumbprint ?? key.kid ?? '', isLast && force.checked, reason),
  })
  if (done) await again()
}

function warningOf(desk: Desk, key: Key): readonly HTMLElement[] {
  return isMine(desk, key)
    ? [h('p', {}, h('strong', {}, 'It signed your own token, so you will be logged out here.'))]
    : []
}

function isMine(desk: Desk, { kid }: Key): boolean {
  return kid !== undefined && kid === desk.session.identity.kid
}

function nameOf({ kid, thumbprint }: Key): string {
  return kid ?? thumbprint ?? 'without a name'
}
