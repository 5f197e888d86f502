import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Claims, RoleOption } from '../../types.ts'
import { roleTest } from './roles.ts'

function has(claims: object, option: RoleOption): boolean {
  // As in a token: only JSON can create an own member `__proto__`.
  return roleTest(option)(JSON.parse(JSON.stringify(claims)) as Claims)
}

test("a list needs all of Keycloak's realm roles", () => {
  const claims = { realm_access: { roles: ['user', 'admin'] } }
  assert.equal(has(claims, ['admin']), true)
  assert.equal(has(claims, ['admin', 'user']), true)
  assert.equal(has(claims, ['admin', 'auditor']), false)
  assert.equal(has(claims, ['Admin']), false)
  assert.equal(has({}, ['admin']), false)
})

test("a client's roles are its own", () => {
  const claims = {
    realm_access: { roles: ['realm'] },
    resource_access: { web: { roles: ['edit'] }, 'a.b': { roles: ['dotted'] } },
  }
  assert.equal(has(claims, { client: 'web', all: ['edit'] }), true)
  assert.equal(has(claims, { client: 'a.b', all: ['dotted'] }), true)
  for (const client of ['api', 'Web', 'web.roles', 'constructor', '__proto__'])
    assert.equal(has(claims, { client, all: ['edit'] }), false, client)
  assert.equal(has(claims, { client: 'web', all: ['realm'] }), false)
})

test('a path is split at its dots, an array is used name by name', () => {
  const claims = {
    app: { roles: ['edit'] },
    'https://app.example/roles': ['edit'],
    'app.roles': ['dotted'],
    role: 'admin',
  }
  assert.equal(has(claims, { path: 'app.roles', all: ['edit'] }), true)
  assert.equal(has(claims, { path: ['app', 'roles'], all: ['edit'] }), true)
  assert.equal(has(claims, { path: ['app.roles'], all: ['dotted'] }), true)
  assert.equal(has(claims, { path: 'app.roles', all: ['dotted'] }), false)
  assert.equal(has(claims, { path: ['https://app.example/roles'], all: ['edit'] }), true)
  assert.equal(has(claims, { path: 'role', all: ['admin'] }), true)
  assert.equal(has({ role: 'admin user' }, { path: 'role', all: ['admin'] }), false)
})

test('a list with anything but strings grants nothing', () => {
  for (const roles of [
    ['admin', 7],
    ['admin', null],
    ['admin', ['user']],
    [['admin']],
    { 0: 'admin', length: 1 },
    { admin: true },
    7,
    true,
    null,
  ]) {
    assert.equal(has({ realm_access: { roles } }, ['admin']), false, JSON.stringify(roles))
  }
})

test('no path leads through an array, a string or inherited members', () => {
  assert.equal(has({ realm_access: [{ roles: ['admin'] }] }, ['admin']), false)
  assert.equal(has({ list: [['admin']] }, { path: 'list.0', all: ['admin'] }), false)
  assert.equal(has({ list: ['admin'] }, { path: 'list.0', all: ['admin'] }), false)
  assert.equal(has({ text: 'admin' }, { path: 'text.0', all: ['a'] }), false)
  for (const path of ['constructor.name', 'toString.name', '__proto__.constructor.name']) {
    for (const role of ['Object', 'toString']) assert.equal(has({}, { path, all: [role] }), false, path)
  }
  const own = JSON.parse('{"__proto__":{"roles":["admin"]}}') as Claims
  assert.equal(roleTest({ path: '__proto__.roles', all: ['admin'] })(own), true)
  Object.defineProperty(Object.prototype, 'realm_access', { value: { roles: ['admin'] }, configurable: true })
  try {
    assert.equal(has({}, ['admin']), false)
  } finally {
    Reflect.deleteProperty(Object.prototype, 'realm_access')
  }
})

test("later changes to the caller's list have no effect", () => {
  const all = ['admin']
  const path = ['role']
  const test = roleTest({ path, all })
  all.pop()
  path[0] = 'other'
  assert.equal(test({ role: 'user', other: 'admin' }), false)
  assert.equal(test({ role: 'admin' }), true)
})
