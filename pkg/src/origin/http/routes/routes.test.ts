// Tests every route in the list for access and invalid input. New routes are covered as well.

import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { QueryParameter, Schema } from '../operation.ts'
import { ROUTES } from '../all-routes.ts'
import type { Route } from '../route.ts'
import { ADMINISTRATOR, createTestIssuer, openStage, type Stage, type TestIssuer } from '../../testing/stage.ts'
import type { Connector } from '../../connectors/connector.ts'
import { MessageRefused } from '../../connectors/message-refused.ts'
import type { IssuerAdministration, IssuerKey } from '../../options.ts'

const ADMIN = { ...ADMINISTRATOR, sub: 'root' }
const HOSTILE = 'portcullis-hostile-text'
const KEY: IssuerKey = { kid: 'k', thumbprint: 'A'.repeat(43), algorithm: 'EdDSA', use: 'sig', status: 'PASSIVE' }

/** An issuer with every operation. */
const ADMINISTRATION: IssuerAdministration = {
  users: async () => [{ id: 'alice', username: 'alice' }],
  sessions: async () => [],
  keys: async () => [{ ...KEY, kid: spareKid }],
  addKey: async () => KEY,
  retireKey: async () => 'retired',
  refreshToken: async () => undefined,
  sessionEnded: async () => undefined,
}

/** Refuses every message. */
const CONNECTOR: Connector = {
  name: 'test',
  realm: 'acme',
  connect: () => ({
    receivers: { backchannelLogout: refuse, kLogout: refuse, kPushNotBefore: refuse, securityEvent: refuse },
    start: () => undefined,
    close: async () => undefined,
  }),
}

async function refuse(): Promise<never> {
  throw new MessageRefused('malformed', 'it is not a signed token')
}

let stage: Stage
let acme: TestIssuer
let other: TestIssuer
let spareKid = ''
before(async () => {
  ;[acme, other] = [await createTestIssuer(), await createTestIssuer('other', 'https://issuer.test/realms/other')]
  const spare = [(await createTestIssuer()).jwk, (await createTestIssuer()).jwk]
  const jwks = { keys: [acme.jwk, ...spare] }
  stage = await openStage({
    realms: [
      { ...acme.realm, jwks, administration: ADMINISTRATION, globalTokenRevocation: { secrets: [CALLER_SECRET] } },
      other.realm,
    ],
    edges: [{ name: 'edge-1', ackSecret: 'secret-1' }],
    connectors: [CONNECTOR],
    maxFailuresPerMinute: 100_000,
  })
  spareKid = String(spare[0]?.kid)
})
after(() => stage.close())

/** Valid bodies, keyed by the route's path. */
const GOOD_BODY: Readonly<Record<string, object>> = {
  '/admin/realms/{realm}/users/{id}/token-version': { minimum: 1 },
  '/admin/realms/{realm}/users/logout': { id: 'alice' },
  '/admin/realms/{realm}/sessions/end': { sid: 'alice' },
  '/admin/realms/{realm}/grants/end': { user: 'alice', client: 'alice' },
  '/admin/realms/{realm}/clients/push-revocation': { client: 'alice' },
  '/admin/realms/{realm}/corrections': { kind: 'user', subject: 'alice' },
}
/** Accepted by Global Token Revocation. */
const CALLER_SECRET = 'a-security-tool-of-acme'
const GOOD_QUERY: Readonly<Record<string, string>> = { '/admin/realms/{realm}/corrections': '?reason=test' }

function pathOf(route: Route, values: Readonly<Record<string, string>> = {}): string {
  const good: Record<string, string> = { realm: 'acme', kid: spareKid, sha256: '0'.repeat(64) }
  return route.path.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? good[name] ?? 'alice')
}

interface Asked {
  path?: string
  query?: string
  token?: string | undefined
  body?: RequestInit['body'] | undefined
  type?: string | undefined
  method?: string
}

function ask(
  route: Route,
  { path = pathOf(route), query = GOOD_QUERY[route.path] ?? '', token, body, type, method }: Asked,
): Promise<Response> {
  const headers: Record<string, string> = {}
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`
  const good = GOOD_BODY[route.path]
  const sent = body === undefined && good !== undefined ? JSON.stringify(good) : body
  if (sent !== undefined) headers['content-type'] = type ?? route.operation.body?.type ?? 'application/json'
  return stage.get(path + query, {
    method: method ?? route.method,
    headers,
    ...(sent === undefined ? {} : { body: sent }),
  })
}

const ADMINISTRATORS = ROUTES.filter(({ access }) => access === 'administrator')
const name = ({ method, path }: Route): string => `${method} ${path}`

function sequences(): (number | undefined)[] {
  return stage.origin.status().map(({ sequence }) => sequence)
}

describe('access', () => {
  beforeEach(letIn)
  for (const route of ADMINISTRATORS) {
    test(name(route), async () => {
      const before = sequences()
      // Credentials are checked before anything else.
      for (const path of [pathOf(route), pathOf(route, { id: '%ff', sid: '%00', kid: '%ff', client: '%ff' })]) {
        for (const query of [undefined, '?wait=nonsense&max=-1']) {
          const asked = { path, ...(query === undefined ? {} : { query }) }
          const bare = await ask(route, asked)
          assert.equal(bare.status, 401)
          assert.equal(bare.headers.get('www-authenticate'), 'Bearer')
          assert.equal((await ask(route, { ...asked, token: 'x' })).status, 401)
          assert.equal((await ask(route, { ...asked, token: await acme.token({ sub: 'bob' }) })).status, 403)
          assert.equal((await ask(route, { ...asked, token: await other.token(ADMIN) })).status, 403)
        }
      }
      const unknown = await ask(route, { path: pathOf(route, { realm: 'missing' }), token: await acme.token(ADMIN) })
      assert.equal(unknown.status, 403)
      assert.deepEqual(sequences(), before)
      const admitted = await ask(route, { token: await acme.token(ADMIN) })
      assert.ok(admitted.status >= 200 && admitted.status < 300, `${admitted.status} ${await admitted.text()}`)
    })
  }
})

/** Undoes the logout of all users by the previous test, which also refuses the next administrator's token. */
async function letIn(): Promise<void> {
  const now = Math.floor(Date.now() / 1000)
  if (stage.origin.refuses('acme', { issuedAt: now, expiresAt: now + 300 }) === undefined) return
  await stage.origin.correct('acme', { kind: 'realm' }, { reason: 'the next test' })
}

interface Case {
  what: string
  status: readonly number[]
  asked: Asked
}

/** Strings that are not valid names, as JSON. */
const BAD_NAMES = [
  '""',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  JSON.stringify('x'.repeat(1_025)),
  JSON.stringify('€'.repeat(342)),
]

/** A body truncated before its first value. */
const TRUNCATED = '{"minimum":'

function bodies(route: Route): Case[] {
  const { body } = route.operation
  if (body === undefined) return []
  const isJson = body.type === 'application/json'
  const huge = 'x'.repeat(70_000)
  const common: Case[] = [
    { what: 'another content type', status: [400, 401], asked: { body: HOSTILE, type: 'text/plain' } },
    {
      what: 'an oversized body',
      status: [401, 413],
      asked: { body: isJson ? JSON.stringify({ [huge]: 1 }) : `token=${huge}` },
    },
  ]
  if (!isJson)
    return [
      ...common,
      { what: 'a duplicate parameter', status: [400], asked: { body: `token=${HOSTILE}&token=2&client_id=demo` } },
    ]
  const refused = (what: string, text: string): Case => ({ what, status: [400, 401], asked: { body: text } })
  const numbers = ['-1', '1.5', '9007199254740993', '1e308', '1e999', '"5"', 'null', 'true', '[1]', '{}']
  return [
    ...common,
    refused('a truncated body', TRUNCATED),
    refused('invalid JSON', HOSTILE),
    refused('invalid UTF-8', '"\ud800"'),
    refused('an array', '[]'),
    refused('a string', JSON.stringify(HOSTILE)),
    refused('an undeclared member', JSON.stringify({ [HOSTILE]: HOSTILE })),
    refused('a prototype', `{"__proto__":{"kind":"realm","minimum":1}}`),
    ...Object.entries((body.schema['properties'] ?? {}) as Record<string, Schema>).flatMap(([member, schema]) => [
      refused(`${member} twice`, `{"${member}":1,"${member}":2}`),
      ...(schema['type'] === 'string'
        ? [...BAD_NAMES, ...numbers.filter((number) => !number.startsWith('"'))]
        : numbers
      ).map((number) => refused(`${member} of ${number}`, `{"${member}":${number}}`)),
    ]),
    refused('a correction in milliseconds', `{"kind":"user","subject":"alice","notBefore":${Date.now()}}`),
    refused('a correction of an unknown kind', `{"kind":"${HOSTILE}"}`),
    refused('a correction with members of another kind', `{"kind":"realm","subject":"alice"}`),
    refused('a negative version', `{"kind":"tokenVersion","subject":"alice","minimum":-1}`),
  ]
}

function queries(route: Route): Case[] {
  return Object.entries(route.operation.query ?? {}).flatMap(([parameter, { schema }]: [string, QueryParameter]) => {
    const bad = (what: string, text: string): Case => ({
      what: `${parameter} ${what}`,
      status: [400],
      asked: { query: `?${text}` },
    })
    const cases = [bad('twice', `${parameter}=1&${parameter}=1`)]
    if (schema['type'] === 'integer') {
      for (const value of ['-1', '1.5', '99999999999999999999', HOSTILE, '%00'])
        cases.push(bad(`of ${value}`, `${parameter}=${value}`))
    } else if (schema['enum'] !== undefined) cases.push(bad('of an unknown kind', `${parameter}=${HOSTILE}`))
    else
      cases.push(
        bad('with a control character', `${parameter}=a%00b`),
        bad('too long', `${parameter}=${'x'.repeat(5_000)}`),
      )
    return cases
  })
}

function paths(route: Route): Case[] {
  const parameters = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, parameter = '']) => parameter)
  return parameters.flatMap((parameter) => {
    const status = parameter === 'realm' ? [400, 401, 403, 404] : [400, 404]
    const values = {
      NUL: 'a%00b',
      'a line feed': 'a%0ab',
      traversal: '..%2f..%2fetc%2fpasswd',
      'a dot segment': '%2e%2e%5cx',
      'invalid UTF-8': '%ff%fe',
      'a bad escape': '%zz',
      '5,000 characters': 'x'.repeat(5_000),
    }
    return Object.entries(values).map(([what, value]) => ({
      what: `${what} as ${parameter}`,
      status,
      asked: { path: pathOf(route, { [parameter]: value }) },
    }))
  })
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

function methods(route: Route): Case[] {
  const allowed = ROUTES.filter(({ path }) => path === route.path).map(({ method }) => method as string)
  return METHODS.filter((method) => !allowed.includes(method)).map((method) => ({
    what: method,
    status: [405],
    asked: { method },
  }))
}

describe('refuses bad input without changing anything', () => {
  beforeEach(letIn)
  for (const route of ROUTES) {
    test(name(route), async () => {
      const secret = route.operation.security?.includes('caller') ? CALLER_SECRET : undefined
      const token = route.access === 'administrator' ? await acme.token(ADMIN) : secret
      const before = sequences()
      for (const { what, status, asked } of [...methods(route), ...paths(route), ...queries(route), ...bodies(route)]) {
        const response = await ask(route, { token, ...(asked.method === 'GET' ? { body: null } : {}), ...asked })
        const text = await response.text()
        assert.ok(status.includes(response.status), `${what}: ${response.status} ${text}`)
        if (response.status === 405) assert.ok(response.headers.get('allow')?.split(', ').includes(route.method), what)
        const answer = JSON.parse(text) as Record<string, unknown>
        // RFC 8935 §2.3 has its own names.
        const {
          err,
          description: itsDescription,
          error = err,
          error_description: description = itsDescription,
          ...more
        } = answer
        assert.equal(typeof error, 'string', what)
        assert.ok(description === undefined || typeof description === 'string', what)
        assert.deepEqual(more, {}, what)
        assert.ok(!text.includes(HOSTILE) && !text.includes('passwd') && !text.includes('xxxx'), `${what}: ${text}`)
      }
      assert.deepEqual(sequences(), before)
      assert.ok(!JSON.stringify(stage.reports.map(({ error }) => [error?.message, error?.detail])).includes(HOSTILE))
      for (const realm of ['acme', 'other']) {
        const lines = JSON.stringify(await stage.origin.audit.list({ realm, limit: 1_000 }))
        assert.ok(!lines.includes(HOSTILE) && !lines.includes('passwd') && !lines.includes('xxxx'))
      }
    })
  }

  test('no request was a fault', () => {
    assert.deepEqual(
      stage.reports.filter(({ kind }) => kind === 'fault'),
      [],
    )
  })
})

describe('repeated and concurrent calls', () => {
  beforeEach(letIn)
  for (const route of ADMINISTRATORS) {
    test(name(route), async () => {
      const token = await acme.token(ADMIN)
      const answers = await Promise.all(Array.from({ length: 8 }, () => ask(route, { token })))
      const statuses = new Set(answers.map(({ status }) => status))
      // Logging all users out may also end the caller's token.
      assert.ok(
        [...statuses].every((status) => status < 300 || status === 401),
        [...statuses].join(' '),
      )
    })
  }
})
