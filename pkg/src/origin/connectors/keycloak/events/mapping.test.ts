import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Revocation } from '../../revocation.ts'
import type { KeycloakOptions } from '../options.ts'
import { mappingStage } from '../testing/mapping-stage.ts'
import { ADMIN_EVENTS, adminEvent, USER_EVENTS, userEvent } from '../testing/stored-events.ts'
import type { Consequence } from './mapping.ts'

const ALICE = '7b2c8576-fbd6-4eed-a428-d3b1bb0533b2'
const BOB = '1df6557f-d30e-4475-92d7-6ab320222fe7'
const CAROL = 'a12e56f4-f514-4387-a897-3d1d6f6babaa'
const DAVE = '99e27e2c-6396-49d6-87bf-ea61ed856822'
const ERIN = '3ddaff6c-227b-42d8-8464-f7030df95880'
const CLIENTS = {
  'clients/311b32ee-ee3c-49f4-9ae9-ff0342e6bd85': {
    id: '311b32ee-ee3c-49f4-9ae9-ff0342e6bd85',
    clientId: 'spa',
    enabled: true,
    notBefore: 1795986169,
  },
  'clients/0f0b9b82-1324-4929-a5c9-524e4a660032': {
    id: '0f0b9b82-1324-4929-a5c9-524e4a660032',
    clientId: 'spa',
    enabled: true,
    notBefore: 1796041148,
  },
  'clients/643009d9-d44c-4601-823f-263730f0a149': {
    id: '643009d9-d44c-4601-823f-263730f0a149',
    clientId: 'dpop',
    enabled: false,
    notBefore: 0,
  },
}

type Expected = Omit<Revocation, 'because'> & Record<string, unknown>

test('each stored user event of a Keycloak ends, by default, as much as Keycloak does', async () => {
  const expected: Record<string, Expected[]> = {
    'logout by the browser': [{ kind: 'session', sid: 'qi3lbO8H1GkwodnoxkPqA6vy', occurredAt: 1795986221.743 }],
    'logout in the account console': [{ kind: 'session', sid: 'hF3mJ8P9SJCNma4xPA2A1pMg', occurredAt: 1795986360.648 }],
    'logout of other devices': [{ kind: 'session', sid: 'kUH5KD9gJerBLG3bEhCtGPjd', occurredAt: 1795986849.57 }],
    'access token revoked': [
      { kind: 'token', tokenId: 'onrtac:ef759e2b-823d-e10a-f6c1-a46483ca137c', occurredAt: 1795986213.651 },
    ],
    'refresh token revoked': [
      { kind: 'clientSession', sid: '3zuFpqce_cyUB3h9iGv84maR', client: 'web', occurredAt: 1795986216.619 },
    ],
    'offline token revoked': [
      { kind: 'clientSession', sid: 'tPh-7q9cpokF71I6bv4DGPuY', client: 'web', occurredAt: 1795986349.922 },
    ],
    'refresh token used twice': [
      { kind: 'clientSession', sid: 'egSWp_UbfHQIGB_tISGobEfA', client: 'web', occurredAt: 1795986263.161 },
    ],
    'refresh after a reuse': [],
    refresh: [],
    'locked out for good': [{ kind: 'user', sub: CAROL, occurredAt: 1795986854.626 }],
    'locked out for a time': [],
    'login refused': [],
    'password changed': [],
    'credential changed': [],
    impersonation: [],
    'consent taken back': [
      { kind: 'grant', sub: 'd3d7a550-04ab-4d8b-bf36-ac4c0748d957', client: 'consenting', occurredAt: 1796041197.592 },
    ],
    'client deleted by registration': [{ kind: 'client', client: 'dyn2', occurredAt: 1796041198.341 }],
    'account deleted by its user': [
      { kind: 'user', sub: '00e3422c-386c-46bd-bc4d-680ba1b1d3ae', occurredAt: 1796044709.944 },
    ],
  }
  assert.deepEqual(Object.keys(expected), Object.keys(USER_EVENTS))
  const stage = mappingStage()
  for (const [action, revocations] of Object.entries(expected))
    assertEnds(await stage.user(userEvent(action)), revocations, action)
  assert.deepEqual(stage.asked, [])
})

test('each stored admin event of a Keycloak ends, by default, as much as Keycloak does', async () => {
  const expected: Record<string, Expected[]> = {
    'session deleted': [{ kind: 'session', sid: 'uaK3e1VQvWylM-HxS7X5vluz', occurredAt: 1795986142.362 }],
    'offline session deleted': [{ kind: 'session', sid: 'bldGBk_wBJqjPCzkKRBNZWT6', occurredAt: 1795986346.235 }],
    'user logged out': [{ kind: 'user', sub: ALICE, occurredAt: 1795986147.205 }],
    'realm logged out': [{ kind: 'realm', occurredAt: 1795986151.906 }],
    'realm not-before set': [{ kind: 'realm', occurredAt: 1795986160 }],
    'realm revocation pushed': [],
    'realm not-before in the future': [{ kind: 'realm', occurredAt: 1795986888 }],
    'realm lifespan changed': [],
    'realm disabled': [{ kind: 'realm', occurredAt: 1796041154.213 }],
    'client not-before set': [{ kind: 'client', client: 'spa', occurredAt: 1795986169 }],
    'client not-before set without its name': [{ kind: 'client', client: 'spa', occurredAt: 1796041148 }],
    'client revocation pushed': [{ kind: 'client', client: 'spa', occurredAt: 1795986169 }],
    'client disabled': [{ kind: 'client', client: 'adminonly', occurredAt: 1795986484.11 }],
    'client disabled without its name': [{ kind: 'client', client: 'dpop', occurredAt: 1796041149.479 }],
    'client secret regenerated': [],
    'client deleted': [{ kind: 'client', client: 'adminonly', occurredAt: 1795986487.254 }],
    'user disabled': [{ kind: 'user', sub: CAROL, occurredAt: 1795986271.924 }],
    'user enabled': [],
    'password reset': [{ kind: 'user', sub: DAVE, occurredAt: 1795986279.035 }],
    'consent removed': [{ kind: 'grant', sub: DAVE, client: 'consenting', occurredAt: 1795986284.032 }],
    'consent of a client with an odd name removed': [
      {
        kind: 'grant',
        sub: '7ed7881e-9d44-4569-9963-348f2bbab8f1',
        client: 'https://app.example/a b?c=d%2Fe&ü;x=y#z',
        occurredAt: 1796041195.818,
      },
    ],
    'token version raised': [{ kind: 'tokenVersion', sub: ALICE, minimum: 4, occurredAt: 1795986287.119 }],
    'user deleted': [{ kind: 'user', sub: '1ed246f7-87df-4e7c-9c4a-81464cf6df78', occurredAt: 1795986292.319 }],
    'role removed': [],
    'role of a client removed': [],
    'group left': [],
    'group entered': [],
    'role of a group removed': [],
    'key disabled': [],
  }
  assert.deepEqual(Object.keys(expected), Object.keys(ADMIN_EVENTS))
  const stage = mappingStage({}, CLIENTS)
  for (const [action, revocations] of Object.entries(expected))
    assertEnds(await stage.admin(adminEvent(action)), revocations, action)
})

test('each option about a user event changes what it ends', async () => {
  const at = (seconds: number): { occurredAt: number } => ({ occurredAt: seconds })
  const cases: [Partial<KeycloakOptions>, string, Expected[]][] = [
    [
      { refreshTokenReuse: 'session' },
      'refresh token used twice',
      [{ kind: 'session', sid: 'egSWp_UbfHQIGB_tISGobEfA', ...at(1795986263.161) }],
    ],
    [
      { consentRemoved: 'user' },
      'consent taken back',
      [{ kind: 'user', sub: 'd3d7a550-04ab-4d8b-bf36-ac4c0748d957', ...at(1796041197.592) }],
    ],
    [{ consentRemoved: 'ignore' }, 'consent taken back', []],
    [{ permanentLockout: 'ignore' }, 'locked out for good', []],
    [{ temporaryLockout: 'user' }, 'locked out for a time', [{ kind: 'user', sub: CAROL, ...at(1795986854.606) }]],
    [{ passwordChanged: 'user' }, 'password changed', [{ kind: 'user', sub: DAVE, ...at(1795986849.808) }]],
    [{ passwordChanged: 'user' }, 'credential changed', [{ kind: 'user', sub: DAVE, ...at(1795986849.808) }]],
    [{ clientDeleted: 'ignore' }, 'client deleted by registration', []],
    [{ userDeleted: 'ignore' }, 'account deleted by its user', []],
    [{ impersonation: 'mark' }, 'impersonation', []],
    [
      { impersonation: 'refuse' },
      'impersonation',
      [{ kind: 'session', sid: 'Eyw3noc3kkeTv8pQ9P2KwuoO', ...at(1795986367.583) }],
    ],
  ]
  for (const [options, action, revocations] of cases) {
    assertEnds(await mappingStage(options).user(userEvent(action)), revocations, JSON.stringify(options))
  }
})

test('each option about an admin event changes what it ends', async () => {
  const at = (seconds: number): { occurredAt: number } => ({ occurredAt: seconds })
  const cases: [Partial<KeycloakOptions>, string, Expected[]][] = [
    [{ consentRemoved: 'user' }, 'consent removed', [{ kind: 'user', sub: DAVE, ...at(1795986284.032) }]],
    [{ consentRemoved: 'ignore' }, 'consent removed', []],
    [{ userDisabled: 'ignore' }, 'user disabled', []],
    [{ userDeleted: 'ignore' }, 'user deleted', []],
    [{ passwordReset: 'ignore' }, 'password reset', []],
    [{ clientDisabled: 'ignore' }, 'client disabled', []],
    [{ clientDisabled: 'ignore' }, 'client not-before set', [{ kind: 'client', client: 'spa', ...at(1795986169) }]],
    [{ clientDeleted: 'ignore' }, 'client deleted', []],
    [{ realmDisabled: 'ignore' }, 'realm disabled', []],
    [
      { roleRemoved: 'user' },
      'role removed',
      [{ kind: 'user', sub: '77065a8b-8779-4136-9470-59b9ab2c7671', ...at(1795986489.697) }],
    ],
    [{ roleRemoved: 'user' }, 'role of a client removed', [{ kind: 'user', sub: ERIN, ...at(1796041145.526) }]],
    [{ roleRemoved: 'user' }, 'group left', [{ kind: 'user', sub: ERIN, ...at(1796041144.638) }]],
    [{ roleRemoved: 'user' }, 'group entered', []],
    [{ roleRemoved: 'user' }, 'role of a group removed', []],
    [
      { tokenVersionAttribute: 'last_logout_time' },
      'token version raised',
      [{ kind: 'tokenVersion', sub: ALICE, minimum: 1795986287, ...at(1795986287.119) }],
    ],
    [{ tokenVersionAttribute: '__proto__' }, 'token version raised', []],
    [{ tokenVersionAttribute: 'constructor' }, 'token version raised', []],
  ]
  for (const [options, action, revocations] of cases) {
    assertEnds(await mappingStage(options, CLIENTS).admin(adminEvent(action)), revocations, JSON.stringify(options))
  }
})

test('an impersonation is noted with its user and session, unless it is accepted', async () => {
  const note = { kind: 'impersonated', sub: BOB, sid: 'Eyw3noc3kkeTv8pQ9P2KwuoO' }
  for (const [impersonation, expected] of [
    ['accept', undefined],
    ['mark', note],
    ['refuse', note],
  ] as const) {
    assert.deepEqual((await mappingStage({ impersonation }).user(userEvent('impersonation')))?.note, expected)
  }
})

test('a credential other than the password does not count as one', async () => {
  const event = { ...userEvent('credential changed'), details: { credential_type: 'otp' } }
  assertEnds(await mappingStage({ passwordChanged: 'user' }).user(event), [], 'otp')
})

test('an update with neither state nor attributes ends nothing', async () => {
  const stage = mappingStage({}, CLIENTS)
  const cases: [string, Record<string, unknown>][] = [
    ['user disabled', { emailVerified: true }],
    ['client disabled', { clientId: 'adminonly' }],
    ['realm disabled', {}],
    ['token version raised', { attributes: { token_version: [] } }],
  ]
  for (const [action, set] of cases) {
    assertEnds(await stage.admin({ ...adminEvent(action), representation: JSON.stringify(set) }), [], action)
  }
  assert.deepEqual(stage.asked, [])
})

test('ignores a not-before or version that Keycloak cannot have set', async () => {
  const stage = mappingStage({}, CLIENTS)
  for (const notBefore of [1795986160459, -1, 1.5, '1795986160', null, [], 1e300]) {
    assertEnds(
      await stage.admin({ ...adminEvent('realm not-before set'), representation: JSON.stringify({ notBefore }) }),
      [],
      String(notBefore),
    )
  }
  for (const version of ['-1', '4.5', '1e3', ' 4', '', '99999999999999999999', 4, null, {}, ['4']]) {
    const representation = JSON.stringify({ attributes: { token_version: [version] } })
    assertEnds(await stage.admin({ ...adminEvent('token version raised'), representation }), [], String(version))
  }
})

/** Compares everything except the reason, which must be a short constant. */
function assertEnds(consequence: Consequence | undefined, expected: Expected[], action: string): void {
  const revocations = consequence?.revocations ?? []
  assert.deepEqual(
    revocations.map(({ because: _, ...rest }) => rest),
    expected,
    action,
  )
  for (const { because } of revocations) assert.match(because, /^(?:event [A-Z_]+|admin event: [a-z ]+)$/)
  if (expected.length > 0)
    assert.ok(consequence?.note === undefined || consequence.note.kind === 'impersonated', action)
}
