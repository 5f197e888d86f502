// A plan of changes is derived from a realm's state: it adds settings, and replaces none.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { audienceMapper, client } from '../../testing/registered-client.ts'
import type { InitOptions } from '../template.ts'
import { type Change, sentenceOf } from './change.ts'
import { planOf, undoPlan } from './plan.ts'
import type { RealmState } from './realm-state.ts'

const OPTIONS: InitOptions = {
  realm: 'acme',
  origin: new URL('https://origin.example/base/'),
  audience: 'api',
  clients: [],
  forward: false,
}
const LOGOUT_URL = 'https://origin.example/base/realms/acme/backchannel-logout'
const ADMIN_URL = 'https://origin.example/base/realms/acme'
const STORED = ['LOGIN', 'LOGOUT', 'REVOKE_GRANT']

/** A realm as created by Keycloak. */
function state(changes: Partial<RealmState> = {}): RealmState {
  return {
    settings: {
      eventsEnabled: false,
      enabledEventTypes: [],
      eventsExpiration: null,
      adminEventsEnabled: false,
      adminEventsDetailsEnabled: false,
      adminEventsExpiration: null,
    },
    storedEventTypes: STORED,
    clients: [client('web')],
    scopes: [],
    accounts: {},
    ...changes,
  }
}

function sentences(changes: readonly Change[]): string[] {
  return changes.map(sentenceOf)
}

describe('a plan', () => {
  test('of a new realm switches events on, sets URLs, and creates the reading account', () => {
    const { changes } = planOf(state(), OPTIONS)
    assert.deepEqual(
      sentences(changes).filter((each) => !each.includes('enabledEventTypes')),
      [
        'realm: eventsEnabled: false -> true',
        'realm: adminEventsEnabled: false -> true',
        'realm: adminEventsDetailsEnabled: false -> true',
        `client web: backchannel.logout.url: none -> ${LOGOUT_URL}`,
        'client web: backchannel.logout.session.required: none -> true',
        `client web: adminUrl: none -> ${ADMIN_URL}`,
        'client portcullis-reader, a service account: created',
        'client portcullis-reader: role view-events of realm-management: assigned',
        'client portcullis-reader: role view-users of realm-management: assigned',
        'client portcullis-reader: role view-clients of realm-management: assigned',
      ],
    )
  })

  test('keeps every event type that is stored', () => {
    const change = planOf(state(), OPTIONS).changes.find(
      (each) => each.kind === 'realm' && each.setting === 'enabledEventTypes',
    )
    const after = change?.after as string[]
    assert.ok(STORED.every((type) => after.includes(type)))
    assert.ok(after.includes('REFRESH_TOKEN_ERROR'))
    assert.deepEqual(change?.before, [])
  })

  test('extends a short retention, and keeps a long or unlimited one', () => {
    const { settings } = state()
    const { changes } = planOf(
      state({ settings: { ...settings, eventsExpiration: 3_600, adminEventsExpiration: 8 * 86_400 } }),
      OPTIONS,
    )
    assert.deepEqual(
      sentences(changes).filter((each) => each.includes('Expiration')),
      ['realm: eventsExpiration: 3600 -> 604800'],
    )
    assert.deepEqual(
      sentences(planOf(state(), OPTIONS).changes).filter((each) => each.includes('Expiration')),
      [],
    )
  })

  test('notes another URL, and replaces none', () => {
    const attributes = {
      'backchannel.logout.url': 'https://other.example/logout',
      'backchannel.logout.session.required': 'false',
    }
    const { changes, notes } = planOf(
      state({ clients: [client('web', { attributes, adminUrl: 'https://other.example' })] }),
      OPTIONS,
    )
    assert.deepEqual(
      sentences(changes).filter((each) => each.includes('client web')),
      [],
    )
    assert.equal(notes.filter((note) => note.startsWith('client web: has another')).length, 2)
    assert.ok(notes.every((note) => !note.includes('other.example')))
  })

  test("leaves Keycloak's own clients and those without users alone", () => {
    const clients = [
      client('account'),
      client('api', { standardFlowEnabled: false }),
      client('old', { bearerOnly: true }),
    ]
    const { changes } = planOf(state({ clients }), OPTIONS)
    assert.deepEqual(
      changes.filter(({ kind }) => kind === 'client'),
      [],
    )
  })

  test('adds the audience only for named clients, and only if it is missing', () => {
    const clients = [client('web'), client('spa'), client('done', { protocolMappers: [audienceMapper('api')] })]
    const { changes, notes } = planOf(state({ clients }), { ...OPTIONS, clients: ['web', 'done'] })
    assert.deepEqual(
      sentences(changes).filter((each) => each.includes('mapper')),
      ["client web: protocol mapper 'audience api': added"],
    )
    assert.ok(notes.some((note) => note.includes('client spa: its tokens lack the audience')))
    assert.throws(() => planOf(state(), { ...OPTIONS, clients: ['nobody'] }), /no OpenID Connect client 'nobody'/)
  })

  test('creates the acting account only on request, and no account from a different client', () => {
    const forwarding = sentences(planOf(state(), { ...OPTIONS, forward: true }).changes)
    assert.ok(forwarding.includes('client portcullis-actor: role manage-users of realm-management: assigned'))
    const accounts = { 'portcullis-reader': { id: 'x', isServiceAccount: false, rights: [] } }
    assert.throws(
      () => planOf(state({ accounts }), OPTIONS),
      /the realm already has a client portcullis-reader that is not a service account/,
    )
  })

  test('of a realm that is set up is empty', () => {
    const attributes = { 'backchannel.logout.url': LOGOUT_URL, 'backchannel.logout.session.required': 'true' }
    const types = planOf(state(), OPTIONS).changes.flatMap((each) =>
      each.kind === 'realm' && Array.isArray(each.after) ? (each.after as string[]) : [],
    )
    const done = state({
      settings: {
        eventsEnabled: true,
        enabledEventTypes: types,
        eventsExpiration: null,
        adminEventsEnabled: true,
        adminEventsDetailsEnabled: true,
        adminEventsExpiration: null,
      },
      storedEventTypes: types,
      clients: [client('web', { attributes, adminUrl: ADMIN_URL })],
      accounts: {
        'portcullis-reader': { id: 'x', isServiceAccount: true, rights: ['view-clients', 'view-events', 'view-users'] },
      },
    })
    assert.deepEqual(planOf(done, OPTIONS).changes, [])
  })
})

describe('an undo', () => {
  const done: Change[] = [
    { kind: 'realm', setting: 'eventsEnabled', before: false, after: true },
    { kind: 'client', client: 'web', id: 'id-of-web', setting: 'adminUrl', before: '', after: ADMIN_URL },
  ]

  test('inverts changes, last first', () => {
    const { settings } = state()
    const after = state({
      settings: { ...settings, eventsEnabled: true },
      clients: [client('web', { adminUrl: ADMIN_URL })],
    })
    assert.deepEqual(sentences(undoPlan(after, done).changes), [
      `client web: adminUrl: ${ADMIN_URL} -> none`,
      'realm: eventsEnabled: true -> false',
    ])
  })

  test('keeps settings that have changed since, and is empty afterwards', () => {
    const { changes, notes } = undoPlan(
      state({ clients: [client('web', { adminUrl: 'https://other.example' })] }),
      done,
    )
    assert.deepEqual(changes, [])
    assert.deepEqual(notes, ['client web: adminUrl has changed since, and is kept'])
    assert.deepEqual(undoPlan(state(), done), { changes: [], notes: [] })
  })
})
