import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isObject } from '../../../../options.ts'
import { isName } from '../../../core/name.ts'
import { mappingStage } from '../testing/mapping-stage.ts'
import { ADMIN_EVENTS, adminEvent, USER_EVENTS, userEvent } from '../testing/stored-events.ts'
import { readAdminEvent } from './admin-events.ts'
import { readUserEvent } from './user-events.ts'

/** Values of every type, invalid names, and members that an object inherits. */
const ODD: readonly unknown[] = [
  undefined,
  null,
  true,
  false,
  0,
  -1,
  1.5,
  NaN,
  Infinity,
  '',
  ' ',
  'x'.repeat(1_025),
  'ü'.repeat(600),
  '\ud800',
  [],
  ['x'],
  {},
  { toString: null },
  'constructor',
  '__proto__',
  '{',
  '[]',
  'null',
  '{"enabled":0}',
  '{"notBefore":"1"}',
  '{"clientId":7,"enabled":false}',
  `{"clientId":${'['.repeat(100_000)}`,
]

test('reads an event with members of any type and length, and ends only what has a valid name', async () => {
  const stage = mappingStage({
    temporaryLockout: 'user',
    passwordChanged: 'user',
    roleRemoved: 'user',
    impersonation: 'refuse',
  })
  const sides = [
    [USER_EVENTS, (event: unknown) => stage.user(event)],
    [ADMIN_EVENTS, (event: unknown) => stage.admin(event)],
  ] as const
  let judged = 0
  for (const [events, judge] of sides) {
    for (const event of Object.values(events).flatMap(mutations)) {
      judged += 1
      for (const revocation of (await judge(event))?.revocations ?? []) {
        const { because, occurredAt, kind, minimum, ...names } = { minimum: 0, ...revocation }
        assert.ok(Object.values(names).every(isName), `${because} ${kind}`)
        assert.ok(occurredAt !== undefined && occurredAt > 0 && Number.isFinite(occurredAt))
        assert.ok(Number.isSafeInteger(minimum))
      }
    }
  }
  assert.ok(judged > 5_000, String(judged))
})

test('a value without id and time is not an event', () => {
  for (const read of [readUserEvent, readAdminEvent]) {
    for (const value of [...ODD, [userEvent('logout by the browser')]]) assert.equal(read(value), undefined)
    for (const missing of ['id', 'time']) {
      assert.equal(read({ ...userEvent('logout by the browser'), [missing]: undefined }), undefined)
    }
    for (const time of [0, -1, 1.5, '1795986221743', 2 ** 53])
      assert.equal(read({ ...adminEvent('session deleted'), time }), undefined)
  }
})

test('an event of a known type that does not identify what it ends is unreadable, and one of an unknown type is other', () => {
  const without = (action: string, ...members: string[]): Record<string, unknown> => {
    const event = userEvent(action)
    for (const member of members) delete event[member]
    return event
  }
  const unreadable = [
    without('logout by the browser', 'sessionId'),
    without('access token revoked', 'details'),
    without('refresh token revoked', 'details'),
    without('consent taken back', 'userId'),
    without('refresh token used twice', 'sessionId'),
    without('refresh token used twice', 'clientId'),
    without('locked out for good', 'userId'),
    without('impersonation', 'sessionId'),
    without('client deleted by registration', 'clientId'),
  ]
  for (const event of unreadable) assert.equal(readUserEvent(event)?.kind, 'unreadable', String(event['type']))
  assert.equal(
    readAdminEvent({ ...adminEvent('session deleted'), resourcePath: `sessions/${'x'.repeat(2_000)}` })?.kind,
    'unreadable',
  )
  for (const type of ['LOGOUT_ERROR', 'logout', 'A_TYPE_OF_TOMORROW', 'constructor', 7, null]) {
    assert.equal(readUserEvent({ ...userEvent('logout by the browser'), type })?.kind, 'other')
  }
  for (const change of [
    { operationType: 'CREATE' },
    { resourceType: 'USER' },
    { resourcePath: 'sessions' },
    { resourcePath: ['sessions/x'] },
    { resourcePath: 'x/sessions/y' },
  ]) {
    assert.equal(readAdminEvent({ ...adminEvent('session deleted'), ...change })?.kind, 'other')
  }
})

test('a path of another resource does not match one that it resembles', () => {
  const paths: [string, string][] = [
    ['user logged out', 'users/a/b/logout'],
    ['user logged out', 'users//logout'],
    ['user logged out', 'users/a/logout/'],
    ['password reset', 'users/a/reset-password-email'],
    ['user deleted', 'users/a/federated-identity/github'],
    ['user disabled', 'users/a/groups/b'],
    ['client deleted', 'clients/a/roles/b'],
    ['client disabled', 'clients/a/protocol-mappers/models/b'],
    ['realm logged out', 'logout-all/x'],
    ['realm disabled', 'events/config'],
    ['role removed', 'groups/a/role-mappings/realm'],
  ]
  for (const [action, resourcePath] of paths) {
    assert.equal(readAdminEvent({ ...adminEvent(action), resourcePath })?.kind, 'other', resourcePath)
  }
})

/** Returns the event with each member, and each member of its details, replaced or omitted. */
function mutations(event: Record<string, unknown>): unknown[] {
  const { details } = event
  const inner = isObject(details) ? details : {}
  return ODD.flatMap((odd) => [
    ...[...Object.keys(event), 'details', 'representation'].map((member) => ({ ...event, [member]: odd })),
    ...Object.keys(inner).map((member) => ({ ...event, details: { ...inner, [member]: odd } })),
  ])
}
