// The apps of a user, and how one of them is disconnected.

import { CLIENT } from '../parts/api.ts'
import { type Child, h } from '../parts/dom.ts'
import { emptyState } from '../parts/notice.ts'
import { visible } from '../parts/token.ts'
import type { Grant, User } from './administration.ts'
import type { Desk } from './desk.ts'
import { type Column, table } from './table.ts'
import { count, identifier, moment, nothing } from './words.ts'

type Owner = Pick<User, 'id' | 'username'>

/** `grants`: those that are known; `undefined`: the issuer knows no such user. */
export function appsOf(
  desk: Desk,
  user: Owner,
  grants: readonly Grant[] = [],
  again: () => Promise<void>,
): readonly Node[] {
  const another = h(
    'button',
    { type: 'button', on: { click: () => void disconnectAnother(desk, user, again) } },
    'Disconnect another app',
  )
  return [
    grants.length === 0
      ? emptyState(
          'No apps known',
          'Those of sessions at an issuer beside the origin are listed, and those that were disconnected lately.',
        )
      : table(`Apps of ${user.username}`, columnsOf(desk, user, again), grants),
    h('div', { class: 'row' }, another),
  ]
}

function columnsOf(desk: Desk, user: Owner, again: () => Promise<void>): readonly Column<Grant>[] {
  return [
    { title: 'App', kind: 'row', cell: ({ clientId }) => identifier(clientId) },
    { title: 'Sessions', kind: 'number', cell: ({ sessions }) => count(sessions) },
    { title: 'Last access', cell: ({ lastAccess }) => (lastAccess === undefined ? nothing() : moment(lastAccess)) },
    { title: 'Disconnected', cell: ({ notBefore }) => (notBefore === 0 ? nothing() : moment(notBefore)) },
    {
      title: 'Actions',
      kind: 'actions',
      cell({ clientId }) {
        const label = `Disconnect ${visible(clientId)} from ${user.username}`
        const click = (): void => void disconnect(desk, user, clientId, again)
        return h('button', { type: 'button', class: 'danger', 'aria-label': label, on: { click } }, 'Disconnect')
      },
    },
  ]
}

function disconnect(desk: Desk, user: Owner, client: string, again: () => Promise<void>): Promise<void> {
  const app = `${visible(client)} from ${user.username}`
  return ask(desk, user, { title: `Disconnect ${app}?`, done: `Disconnected ${app}.`, client: () => client }, again)
}

/** An app that is not listed: its id is known to the issuer, or stands in the `azp` of its tokens. */
function disconnectAnother(desk: Desk, user: Owner, again: () => Promise<void>): Promise<void> {
  const client = h('input', {
    id: 'disconnected-client',
    name: 'client',
    autocomplete: 'off',
    required: true,
    maxlength: 1_024,
  })
  const field = h('div', { class: 'field' }, h('label', { for: client.id }, 'Client id'), client)
  const app = `an app from ${user.username}`
  return ask(
    desk,
    user,
    { title: `Disconnect ${app}?`, done: `Disconnected ${app}.`, client: () => client.value, fields: [field] },
    again,
  )
}

interface Asked {
  title: string
  done: string
  /** Read when the administrator has agreed. */
  client: () => string
  fields?: readonly HTMLElement[]
}

async function ask(
  desk: Desk,
  user: Owner,
  { title, done, client, fields = [] }: Asked,
  again: () => Promise<void>,
): Promise<void> {
  const isMine = (): boolean => user.id === desk.session.identity.subject && client() === CLIENT
  const isDone = await desk.perform({
    title,
    text: wordsOf(user, isMine()),
    verb: 'Disconnect',
    kind: 'danger',
    reason: 'optional',
    fields,
    done,
    ownLogin: () => (isMine() ? 'ends' : 'goes_on'),
    run: (reason) => desk.administration.disconnect(user.id, client(), reason),
  })
  if (isDone) await again()
}

function wordsOf({ username }: Owner, isMine: boolean): readonly Child[] {
  return [
    h(
      'p',
      {},
      `The tokens of ${username} that the app holds are refused, refresh tokens too. Other apps of ${username} go on, and so does the app `,
      'for everybody else. A new login connects it again.',
    ),
    h('p', {}, 'Tokens that name no user are not reached.'),
    isMine
      ? h('p', {}, h('strong', {}, 'This is the app you are working in: you are logged out here, too.'))
      : undefined,
  ]
}
