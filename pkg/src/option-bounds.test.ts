// The bounds of every option: stated by message, table and schema, and accepted by gates and origins without a later
// refusal.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { COMPROMISE_RULES, LOGOUT_RULES, SESSION_RULES } from './browser/settings.ts'
import { CONFIGURATION_RULES } from './cli/configuration.ts'
import { boundsOf } from './docs/tsdoc.ts'
import { ACCESS_RULES } from './edge/access/settings.ts'
import { CORS_RULES } from './edge/cors-policy.ts'
import { GATE_REALM_RULES, GATE_RULES } from './edge/settings.ts'
import { createGate } from './entry/edge/node.ts'
import { createOrigin, generateFeedKey, type OriginOptions } from './entry/origin/node.ts'
import { REFRESH_TOKEN_RULES } from './issuer/refresh-tokens/settings.ts'
import { schemaOf } from './option-schema.ts'
import type { Rule, Rules } from './options.ts'
import { KEYCLOAK_RULES } from './origin/connectors/keycloak/options.ts'
import { OIDC_CONNECTOR_RULES } from './origin/connectors/oidc/options.ts'
import { createLedger } from './origin/core/guarded-ledger.ts'
import { SERVE_RULES } from './origin/node/index.ts'
import { ORIGIN_RULES, REALM_RULES } from './origin/settings.ts'
import { memoryStore } from './origin/store/memory.ts'
import { createTestIssuer, ISSUER } from './origin/testing/stage.ts'
import { DISCOVER_RULES } from './providers/discover.ts'

/**
 * Every set of options, by the name of its table in www/docs/reference; those of `serve` and of portcullis.json have no
 * table.
 */
const SETS: Readonly<Record<string, Rules>> = {
  gate: GATE_RULES,
  realm: { ...GATE_REALM_RULES, ...REALM_RULES },
  access: ACCESS_RULES,
  cors: CORS_RULES,
  origin: ORIGIN_RULES,
  keycloak: KEYCLOAK_RULES,
  oidcConnector: OIDC_CONNECTOR_RULES,
  discover: DISCOVER_RULES,
  refreshTokens: REFRESH_TOKEN_RULES,
  logout: { ...LOGOUT_RULES, ...COMPROMISE_RULES },
  session: SESSION_RULES,
  serve: SERVE_RULES,
  configuration: CONFIGURATION_RULES,
}

interface Bounded {
  path: string
  rule: Rule
  least: number
  most: number
  kind: 'integer' | 'number' | 'list'
}

/** Returns the bounded rules of a set, including those of members and alternatives. */
function* boundedRules(rules: Rules, path: string): Generator<Bounded> {
  for (const [name, rule] of Object.entries(rules)) yield* boundedRule(rule, `${path}.${name}`)
}

function* boundedRule(rule: Rule, path: string): Generator<Bounded> {
  const { parts } = rule
  if (parts === undefined) return
  if ('shape' in parts) yield* boundedRules(parts.shape, path)
  else if ('anyOf' in parts) for (const each of parts.anyOf) yield* boundedRule(each, path)
  else if ('number' in parts) yield { path, rule, ...parts.number, kind: 'number' }
  else if ('list' in parts) {
    const { list, least, most = Infinity } = parts
    if (least > 0 || most < Infinity) yield { path, rule, least, most, kind: 'list' }
    yield* boundedRule(list, `${path}[]`)
  } else yield { path, rule, ...parts, kind: 'integer' }
}

const ALL = Object.entries(SETS).flatMap(([set, rules]) => [...boundedRules(rules, set)])

function refusal(rule: Rule, value: unknown): string | undefined {
  try {
    rule.check(value, 'options.it')
    return undefined
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'invalid_option')
    return (error as Error).message
  }
}

/** Returns a list of a length with valid members: the bounded lists have names, tenants or URLs. */
function listOf(length: number, rule: Rule): unknown[] {
  const { parts } = rule
  const member = parts !== undefined && 'list' in parts ? parts.list : undefined
  const candidates = ['https://a.example', 'name', 'ES256', 'GET', {}]
  const good = candidates.find((candidate) => member !== undefined && refusal(member, candidate) === undefined)
  return Array.from({ length }, () => good)
}

const valueAt = ({ kind, rule }: Bounded, size: number): unknown => (kind === 'list' ? listOf(size, rule) : size)

test('the walk finds the bounded options', () => {
  const found = new Set(ALL.map(({ path }) => path))
  for (const path of [
    'gate.maxTokenBytes',
    'gate.issuers',
    'realm.tenants',
    'realm.issuer',
    'realm.maxLifetimeSeconds',
    'origin.errorRate',
    'serve.port',
    'keycloak.rereadSeconds',
    'configuration.listen.port',
  ]) {
    assert.ok(found.has(path), path)
  }
  assert.ok(ALL.length > 90, String(ALL.length))
})

test('each message states the bounds, and appears just beyond them', () => {
  for (const bounded of ALL) {
    const { path, rule, least, most, kind } = bounded
    const range =
      kind === 'list' && most === Infinity
        ? 'a non-empty array'
        : most === Infinity
          ? `${least} or more`
          : `${least} to ${most}`
    assert.ok(rule.expected.includes(range), `${path}: "${rule.expected}" does not state "${range}"`)
    const step = kind === 'number' ? least / 1e6 : 1
    const beyond = [least - step, ...(most === Infinity ? [] : [most + step])].filter(
      (size) => kind !== 'list' || size >= 0,
    )
    for (const size of beyond) {
      const message = refusal(rule, valueAt(bounded, size)) ?? 'accepted'
      assert.ok(message.startsWith('options.it must be ') && message.includes(range), `${path}: ${size}: ${message}`)
    }
    if (kind === 'list' && listOf(1, rule)[0] === undefined) continue
    for (const size of [least, ...(most === Infinity ? [] : [most])])
      assert.equal(refusal(rule, valueAt(bounded, size)), undefined, `${path}: ${size}`)
  }
})

test('each schema states the bounds', () => {
  for (const { path, rule, least, most, kind } of ALL) {
    const schema = schemaOf(rule)
    if (kind === 'list') {
      if (schema === undefined) continue
      assert.deepEqual([schema['minItems'], schema['maxItems']], [least, most === Infinity ? undefined : most], path)
    } else {
      assert.deepEqual(
        [schema?.['type'], schema?.['minimum'], schema?.['maximum']],
        [kind, least, Math.min(most, Number.MAX_SAFE_INTEGER)],
        path,
      )
    }
  }
})

test('each table states the bounds that the messages state', () => {
  const folder = new URL('../../www/docs/reference/', import.meta.url)
  const pages = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'))
  let rows = 0
  for (const [set, rules] of Object.entries(SETS)) {
    const [, table] = new RegExp(`<!-- options: ${set} -->\\n(.*?)<!-- /options -->`, 's').exec(pages.join('\n')) ?? []
    if (table === undefined) continue
    for (const [name, rule] of Object.entries(rules)) {
      const cells = table.split('\n').filter((row) => row.startsWith(`| \`${name}\` |`))
      for (const bound of boundsOf(rule)) {
        assert.ok(
          cells.some((cell) => cell.includes(bound)),
          `${set}: the row of ${name} does not state "${bound}"`,
        )
        rows += 1
      }
    }
  }
  assert.ok(rows > 50, String(rows))
})

test('the walk sees every stated bound', () => {
  const seen = new Set(ALL.map(({ path }) => path))
  for (const [set, rules] of Object.entries(SETS)) {
    for (const [name, rule] of Object.entries(rules)) {
      if (boundsOf(rule).length === 0) continue
      const isPattern = schemaOf(rule)?.['pattern'] !== undefined
      assert.ok(
        isPattern || [...seen].some((path) => path.startsWith(`${set}.${name}`)),
        `${set}.${name}: ${rule.expected}`,
      )
    }
  }
})

const KEY = {
  kty: 'EC',
  crv: 'P-256',
  x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
  y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
  kid: 'k',
}

const numbers = (rules: Rules): Bounded[] =>
  Object.entries(rules).flatMap(([name, rule]) =>
    [...boundedRule(rule, name)].filter(({ kind, path }) => kind !== 'list' && path === name),
  )

describe('a gate', () => {
  const open = async (gate: object, realm: object = {}): Promise<void> => {
    const base = {
      name: 'acme',
      issuer: 'https://issuer.example',
      audience: 'api',
      jwks: { keys: [KEY] },
      revocation: 'unchecked' as const,
    }
    const opened = createGate({ realms: [{ ...base, ...realm }], onReport: () => undefined, ...gate })
    assert.deepEqual(await opened.check('x'), { ok: false, reason: 'malformed', status: 401 })
    opened.close()
  }
  for (const { path, least, most } of numbers(GATE_RULES)) {
    test(`accepts ${path} at both bounds`, async () => {
      await open({ [path]: least })
      await open({ [path]: Math.min(most, Number.MAX_SAFE_INTEGER) })
    })
  }
  for (const { path, least, most } of numbers(GATE_REALM_RULES)) {
    test(`accepts ${path} of a realm at both bounds`, async () => {
      await open({}, { [path]: least })
      await open({}, { [path]: Math.min(most, Number.MAX_SAFE_INTEGER) })
    })
  }
  test('accepts 1,000 tenants and 1,000 names, and no more', async () => {
    const names = (length: number): string[] => Array.from({ length }, (_, index) => `https://${index}.example`)
    const tenants = (length: number): object => ({
      issuer: 'https://issuer.example/{tid}',
      tenants: Array.from({ length }, (_, index) => `t${index}`),
    })
    await open({}, { issuer: names(1_000) })
    await open({}, tenants(1_000))
    await assert.rejects(open({}, { issuer: names(1_001) }), {
      code: 'invalid_option',
      message: /options\.realms\[0\]\.issuer must be .*1 to 1000/,
    })
    await assert.rejects(open({}, tenants(1_001)), {
      code: 'invalid_option',
      message: /options\.realms\[0\]\.tenants must be an array of 1 to 1000/,
    })
    assert.throws(() => createGate({ realms: () => undefined, issuers: names(1_001) }), {
      code: 'invalid_option',
      message: /options\.issuers must be an array of 1 to 1000/,
    })
    createGate({ realms: () => undefined, issuers: names(1_000) }).close()
  })
})

describe('an origin', () => {
  const open = async (origin: Partial<OriginOptions>, realm: object = {}): Promise<void> => {
    const options = {
      store: memoryStore(),
      signingKey: (await generateFeedKey()).signingKey,
      onReport: () => undefined,
      ...origin,
    }
    await (await createOrigin({ ...options, realms: [{ ...(await createTestIssuer()).realm, ...realm }] })).close()
  }
  for (const { path, least, most, kind } of numbers(ORIGIN_RULES)) {
    // A statement must last from one heartbeat to the next.
    const beside = path === 'heartbeatSeconds' ? { validForSeconds: 300 } : {}
    test(`accepts ${path} at both bounds, and nothing beyond`, async () => {
      await open({ ...beside, [path]: least })
      await open({ ...beside, [path]: Math.min(most, Number.MAX_SAFE_INTEGER) })
      const range = most === Infinity ? `${least} or more` : `${least} to ${most}`
      for (const value of [least - (kind === 'number' ? least / 2 : 1), ...(most === Infinity ? [] : [most * 2])]) {
        await assert.rejects(
          open({ [path]: value }),
          ({ code, message }: Error & { code: string }) =>
            code === 'invalid_option' && message.includes(`options.${path}`) && message.includes(range),
        )
      }
    })
  }
  for (const { path, least, most } of numbers(REALM_RULES)) {
    test(`accepts ${path} of a realm at both bounds`, async () => {
      await open({}, { [path]: least, compare: 'authTime' })
      await open({}, { [path]: Math.min(most, Number.MAX_SAFE_INTEGER), compare: 'authTime' })
    })
  }

  test("states the ledger's 40 days in its own message", async () => {
    await assert.rejects(open({}, { maxLifetimeSeconds: 3_456_001 }), {
      code: 'invalid_option',
      message: 'options.realms[0].maxLifetimeSeconds must be a number of whole seconds, 1 to 3456000',
    })
    const { signingKey } = await generateFeedKey()
    const ledger = (more: object): void => {
      const options = {
        issuer: ISSUER,
        signingKey,
        leewaySeconds: 5,
        skewSeconds: 5,
        maxLifetimeSeconds: 3_456_000,
        issuerSkewSeconds: 0,
        errorRate: 1e-6,
        validForSeconds: 2 ** 32 - 1,
        incarnation: 2 ** 13 - 1,
      }
      createLedger('acme', { ...options, ...more }).free()
    }
    ledger({})
    for (const beyond of [{ maxLifetimeSeconds: 3_456_001 }, { validForSeconds: 2 ** 32 }, { incarnation: 2 ** 13 }]) {
      assert.throws(() => ledger(beyond), { code: 'invalid_option' }, JSON.stringify(beyond))
    }
  })
})
