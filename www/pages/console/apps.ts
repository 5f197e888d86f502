// The apps of a user, and the dialog that disconnects one of them.

import { CLIENT } from '../parts/api.ts'
import { type Child, h } from '../parts/dom.ts'
import { emptyState } from '../parts/notice.ts'
import { visible } from '../parts/token.ts'
import type { Grant, User } from './administration.ts'
import type { Desk } from './desk.ts'
import { type Column, table } from './table.ts'
import { count, identifier, moment, nothing } from './words.ts'

type Owner = Pick<User, 'id' | 'username'>

/** Shows the known apps. `grants` is `undefined` if the issuer does not know the user. */
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
          'Apps are listed if they have a session at an issuer beside the origin, or were disconnected recently.',
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

/** Asks for the id of an app that is not listed; the issuer has it, and so has the `azp` of its tokens. */
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
  /** Read when the administrator confirms. */
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
      `Tokens of ${username} that the app holds are refused, including refresh tokens. Other apps of ${username} are unaffected, and so is the app `,
      'for all other users. A new login connects it again.',
    ),
    h('p', {}, 'Tokens without a user are not affected.'),
    isMine
      ? h('p', {}, h('strong', {}, 'You are using this app now, so you will be logged out here, too.'))
      : undefined,
  ]
}
