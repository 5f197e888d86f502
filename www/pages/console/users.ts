// The list of users, and a user's sessions.

import { type Child, h } from '../parts/dom.ts'
import { emptyState } from '../parts/notice.ts'
import type { User, UserSession } from './administration.ts'
import { appsOf } from './apps.ts'
import { addressOf, type Desk, type Section } from './desk.ts'
import { hashLink } from './links.ts'
import { Panel } from './panel.ts'
import { type Column, table } from './table.ts'
import { badge, count, identifier, moment, nothing } from './words.ts'

const USERS_A_PAGE = 25

/** The most that the origin lists; it has no route for a single user. */
const MAX_USERS = 1_000

export const usersSection: Section = {
  name: 'users',
  title: 'Users',
  open: (desk, id) => (id === undefined ? openList(desk) : openUser(desk, id)),
}

/** A user; not-before and version are missing if the user is not in the list. */
type ShownUser = Pick<User, 'id' | 'username' | 'roles'> & Partial<User>

function openList(desk: Desk): readonly Node[] {
  let search = ''
  let first = 0
  const columns: readonly Column<User>[] = [
    {
      title: 'User',
      kind: 'row',
      cell: (user) => [hashLink(addressOf('users', user.id), user.username), ...rolesOf(user)],
    },
    { title: 'Not before', cell: ({ notBefore }) => (notBefore === 0 ? nothing() : moment(notBefore)) },
    { title: 'Token version', kind: 'number', cell: ({ tokenVersion }) => count(tokenVersion) },
    { title: 'Actions', kind: 'actions', cell: (user) => logOutEverywhere(desk, user, () => panel.refresh()) },
  ]
  const panel = new Panel(
    async () => desk.administration.users({ search, first, max: USERS_A_PAGE + 1 }),
    (found) =>
      found === undefined ? keptByIssuer() : [listOf(found.slice(0, USERS_A_PAGE)), pages(found.length > USERS_A_PAGE)],
  )

  function listOf(users: readonly User[]): Node {
    if (users.length > 0) return table('Users', columns, users)
    return search === ''
      ? emptyState('No users', 'The issuer has no users yet.')
      : emptyState('No such user', 'No user name contains this.')
  }

  function pages(more: boolean): Child {
    if (first === 0 && !more) return undefined
    const go = (by: number): void => {
      first = Math.max(0, first + by)
      void panel.refresh()
    }
    return h(
      'div',
      { class: 'row' },
      h('button', { type: 'button', disabled: first === 0, on: { click: () => go(-USERS_A_PAGE) } }, 'Previous users'),
      h('button', { type: 'button', disabled: !more, on: { click: () => go(USERS_A_PAGE) } }, 'Next users'),
    )
  }

  const field = h('input', { id: 'user-search', type: 'search', name: 'search', autocomplete: 'off', maxlength: 255 })
  const form = h(
    'form',
    { class: 'search', role: 'search' },
    h('div', { class: 'field' }, h('label', { for: field.id }, 'User name'), field),
    h('button', { type: 'submit' }, 'Search'),
  )
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    search = field.value.trim()
    first = 0
    void panel.refresh()
  })
  const everybody = h(
    'button',
    { type: 'button', class: 'danger', on: { click: () => void logOutAllUsers(desk) } },
    'Log out all users',
  )
  void panel.refresh()
  return [h('div', { class: 'toolbar' }, form, everybody), panel.element]
}

/** Asks for the subject of a user when the origin has no list of users. */
function keptByIssuer(): readonly Node[] {
  const field = h('input', {
    id: 'user-subject',
    name: 'subject',
    autocomplete: 'off',
    maxlength: 1_024,
    required: true,
  })
  const form = h(
    'form',
    { class: 'search' },
    h('div', { class: 'field' }, h('label', { for: field.id }, 'Subject (sub)'), field),
    h('button', { type: 'submit' }, 'Open'),
  )
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    location.hash = addressOf('users', field.value)
  })
  return [
    emptyState('No list of users', 'The issuer keeps its users itself. Open a user by the subject of their tokens.'),
    form,
  ]
}

function openUser(desk: Desk, id: string): readonly Node[] {
  const panel = new Panel(
    async () => {
      const [users = [], sessions, grants] = await Promise.all([
        desk.administration.users({ first: 0, max: MAX_USERS }),
        desk.administration.sessions(id),
        desk.administration.grants(id),
      ])
      return { user: users.find((user) => user.id === id) ?? userOf(id, sessions), sessions, grants }
    },
    ({ user, sessions, grants }) => {
      const again = (): Promise<void> => panel.refresh()
      return [
        h('h3', { class: 'subject' }, user.username, ...rolesOf(user)),
        h(
          'dl',
          { class: 'facts' },
          fact('Subject', identifier(user.id)),
          ...(user.notBefore === undefined
            ? []
            : [fact('Not before', user.notBefore === 0 ? nothing() : moment(user.notBefore))]),
          ...(user.tokenVersion === undefined ? [] : [fact('Token version', count(user.tokenVersion))]),
        ),
        h(
          'div',
          { class: 'row' },
          logOutEverywhere(desk, user, again),
          h(
            'button',
            { type: 'button', on: { click: () => void raiseTokenVersion(desk, user, again) } },
            'Raise token version',
          ),
          hashLink(addressOf('events', undefined, { subject: user.id }), 'Audit log of this user'),
        ),
        h('h3', {}, 'Apps'),
        ...appsOf(desk, user, grants, again),
        h('h3', {}, 'Sessions'),
        sessionsOf(desk, user, sessions, again),
      ]
    },
  )
  void panel.refresh()
  return [h('p', {}, hashLink('#users', 'All users')), panel.element]
}

/** Returns a user who is not in the list, because the list is too long or the issuer keeps it. */
function userOf(id: string, sessions: readonly UserSession[] = []): ShownUser {
  return { id, username: sessions[0]?.username ?? id }
}

function sessionsOf(
  desk: Desk,
  user: ShownUser,
  sessions: readonly UserSession[] | undefined,
  again: () => Promise<void>,
): Node {
  if (sessions === undefined)
    return emptyState('No list of sessions', 'The issuer keeps them itself, or does not know this user.')
  return sessions.length === 0
    ? emptyState('No sessions', `${user.username} is not logged in anywhere.`)
    : table(`Sessions of ${user.username}`, sessionColumns(desk, user, again), sessions)
}

function sessionColumns(desk: Desk, user: ShownUser, again: () => Promise<void>): readonly Column<UserSession>[] {
  const isMine = (session: UserSession): boolean => session.id === desk.session.identity.session
  return [
    {
      title: 'Session',
      kind: 'row',
      cell: (session) => [identifier(session.id), ...(isMine(session) ? [badge('info', 'yours')] : [])],
    },
    { title: 'Started', cell: ({ start }) => moment(start) },
    { title: 'Last access', cell: ({ lastAccess }) => moment(lastAccess) },
    { title: 'Clients', cell: ({ clients }) => clients.join(', ') },
    { title: 'Address', cell: ({ ipAddress }) => ipAddress ?? nothing() },
    {
      title: 'Actions',
      kind: 'actions',
      cell: (session) => {
        const label = `Log out session ${session.id} of ${user.username}`
        return h(
          'button',
          { type: 'button', class: 'danger', 'aria-label': label, on: { click: () => void logOut(session) } },
          'Log out',
        )
      },
    },
  ]

  async function logOut(session: UserSession): Promise<void> {
    const done = await desk.perform({
      title: 'Log out this session?',
      text: [
        h(
          'p',
          {},
          `${user.username} is logged out of `,
          identifier(session.id),
          `. Other sessions of ${user.username} are unaffected.`,
        ),
        isMine(session) ? h('p', {}, h('strong', {}, 'This is the session you are using now.')) : undefined,
      ],
      verb: 'Log out',
      kind: 'danger',
      reason: 'optional',
      done: `A session of ${user.username} was logged out.`,
      ownLogin: isMine(session) ? 'ends' : 'goes_on',
      run: (reason) => desk.administration.logOutSession(session.id, reason),
    })
    if (done) await again()
  }
}

function logOutEverywhere(desk: Desk, user: ShownUser, again: () => Promise<void>): HTMLButtonElement {
  async function click(): Promise<void> {
    const isMe = user.id === desk.session.identity.subject
    const done = await desk.perform({
      title: `Log out ${user.username} everywhere?`,
      text: [
        h('p', {}, `All current tokens of ${user.username} are refused, in every session. New logins work.`),
        isMe ? h('p', {}, h('strong', {}, 'This is you, so you will be logged out here, too.')) : undefined,
      ],
      verb: 'Log out everywhere',
      kind: 'danger',
      reason: 'optional',
      done: `${user.username} was logged out everywhere.`,
      ownLogin: isMe ? 'ends' : 'goes_on',
      run: (reason) => desk.administration.logOutUser(user.id, reason),
    })
    if (done) await again()
  }
  const label = `Log out everywhere: ${user.username}`
  return h(
    'button',
    { type: 'button', class: 'danger', 'aria-label': label, on: { click: () => void click() } },
    'Log out everywhere',
  )
}

async function logOutAllUsers(desk: Desk): Promise<void> {
  await desk.perform({
    title: 'Log out all users?',
    text: [
      h('p', {}, `All current tokens of the realm ${desk.demo.realm} are refused, for every user. New logins work.`),
      h('p', {}, h('strong', {}, 'That includes you: you will be logged out here, too.')),
    ],
    verb: 'Log out all users',
    kind: 'danger',
    reason: 'optional',
    done: 'All users were logged out.',
    ownLogin: 'ends',
    run: (reason) => desk.administration.logOutAllUsers(reason),
  })
}

async function raiseTokenVersion(desk: Desk, user: ShownUser, again: () => Promise<void>): Promise<void> {
  const isMe = user.id === desk.session.identity.subject
  const minimum = h('input', {
    id: 'token-version',
    type: 'number',
    min: (user.tokenVersion ?? 0) + 1,
    max: Number.MAX_SAFE_INTEGER,
    step: 1,
    value: (user.tokenVersion ?? 0) + 1,
    required: true,
    inputmode: 'numeric',
  })
  const done = await desk.perform({
    title: `Raise the token version of ${user.username}?`,
    text: [
      h(
        'p',
        {},
        `Tokens of ${user.username} with a lower version are refused. The next login gets a token with the new version.`,
      ),
      isMe ? h('p', {}, h('strong', {}, 'This is you, so you will be logged out here, too.')) : undefined,
    ],
    verb: 'Raise token version',
    kind: 'danger',
    reason: 'optional',
    fields: [h('div', { class: 'field' }, h('label', { for: minimum.id }, 'Minimum accepted version'), minimum)],
    done: `The token version of ${user.username} was raised.`,
    ownLogin: isMe ? 'ends' : 'goes_on',
    run: (reason) => desk.administration.raiseTokenVersion(user.id, minimum.valueAsNumber, reason),
  })
  if (done) await again()
}

function rolesOf({ roles = [] }: ShownUser): readonly HTMLElement[] {
  return roles.map((role) => badge('info', role))
}

function fact(name: string, value: Child): HTMLElement {
  return h('div', {}, h('dt', {}, name), h('dd', {}, value))
}
