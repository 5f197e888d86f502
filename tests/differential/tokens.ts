// Random tokens: valid ones, and mutations that make them invalid.

import type { Algorithm } from 'portcullis'
import { algorithmsOf, type PoolKey, type PublishedKey, signByJose, signByNode } from './keys.ts'
import type { Policy } from './policy.ts'
import type { Random } from './random.ts'

/** A token before it is signed. Values are JSON strings, because `1` and `1.0` differ here. */
export interface Draft {
  header: Map<string, string>
  claims: Map<string, string>
  /** The signing key; `algorithm` is the one it signs with. */
  key: PoolKey
  algorithm: Algorithm
  /** How the encoding deviates from a strict compact JWT, if it does. */
  form: FormFault | undefined
  /** How the signature is invalidated, if it is. */
  damage: 'flipped' | 'empty' | 'short' | 'other header' | undefined
}

/** Encodings that are not a strict compact JWT. */
const FORM_FAULTS = [
  'padded signature',
  'newline in signature',
  'trailing bits',
  'padded claims',
  'padded header',
  'newline in claims',
  'standard alphabet',
  'two parts',
  'four parts',
  'encrypted',
  'no ASCII',
  'leading space',
  'trailing newline',
  'empty header',
  'empty claims',
  'claims no JSON',
  'claims no object',
  'claims null',
  'claims not UTF-8',
  'claims with a mark',
  'header with a mark',
  'header no object',
  'claim twice',
  'claim twice, escaped',
  'claim twice inside',
  'header member twice',
  'half a surrogate',
  'deep claims',
  'trailing comma',
  'line break in string',
] as const
export type FormFault = (typeof FORM_FAULTS)[number]

/** Names used by both tokens and revocations. */
export const USERS = ['alice', 'bob', 'Ålesund', '42', '-7', '0', `u${'x'.repeat(1_023)}`]
export const SESSIONS = ['s-1', 's-2', '9007199254740991', 'сессия']
export const CLIENTS = ['app', 'web', '17']

/** Values that the mutations of a token use. */
interface Surroundings {
  policy: Policy
  keys: readonly PublishedKey[]
  pool: readonly PoolKey[]
  now: number
}

/** Makes a token that satisfies the policy; a revocation may still refuse it. */
export function validDraft(random: Random, { policy, keys, now }: Surroundings, id: string): Draft {
  const fitting = keys.filter((key) =>
    algorithmsOf(key, policy.rsaAlgorithm).some((each) => policy.algorithms.includes(each)),
  )
  const chosenKey = random.pick(random.chance(0.95) ? fitting : keys)
  const { key, kid } = chosenKey
  const algorithm = random.pick(algorithmsOf(chosenKey, policy.rsaAlgorithm))
  const header = new Map([['alg', json(algorithm)]])
  if (kid !== undefined && random.chance(0.9)) header.set('kid', json(kid))
  const typ = {
    rfc9068: ['at+jwt', 'application/at+jwt', 'AT+JWT'],
    keycloak: ['JWT', 'at+jwt', 'jwt'],
    generic: ['JWT', 'at+jwt', undefined],
  }
  const chosen = random.pick<string | undefined>(typ[policy.profile])
  if (chosen !== undefined) header.set('typ', json(chosen))
  return { header, claims: validClaims(random, policy, now, id), key, algorithm, form: undefined, damage: undefined }
}

function validClaims(random: Random, policy: Policy, now: number, id: string): Map<string, string> {
  const { names, audience, parties } = policy
  const claims = new Map<string, string>()
  const issuer = random.pick(policy.issuers)
  claims.set(policy.issuerClaim, json(issuer))
  const tenant = policy.tenantOf.get(issuer)
  if (policy.tenantClaim !== undefined) claims.set(policy.tenantClaim, json(tenant))
  const life = random.between(30, Math.min(policy.gate.maxLifetimeSeconds, policy.lifetimeOfOrigin))
  const issuedAt = now - random.below(Math.min(life, 1 + random.pick([5, 60, 600, life])))
  claims.set('iat', String(issuedAt)).set('exp', String(issuedAt + life))
  if (random.chance(0.3)) claims.set('nbf', String(issuedAt - random.below(20)))
  if (policy.compare === 'authTime' || random.chance(0.2))
    claims.set('auth_time', String(issuedAt - random.below(policy.origin.maxSessionSeconds - life + 1)))
  const ourParty = parties === undefined ? random.pick(CLIENTS) : random.pick(parties)
  if (audience !== 'none' && (parties === undefined || random.chance(0.5))) {
    claims.set('aud', random.chance(0.5) ? json(random.pick(audience)) : json(['other', random.pick(audience)]))
  }
  if (parties !== undefined || policy.profile === 'rfc9068' || random.chance(0.7))
    claims.set('client_id', json(ourParty))
  if (policy.required.includes('azp') || random.chance(0.5)) claims.set('azp', json(ourParty))
  claims.set(names.subject, random.chance(0.1) ? idOf(random, policy) : json(random.pick(USERS)))
  if (policy.required.includes(names.tokenId) || random.chance(0.8)) claims.set(names.tokenId, json(id))
  if (policy.required.includes(names.session) || random.chance(0.8))
    claims.set(names.session, json(random.pick(SESSIONS)))
  if (policy.profile === 'keycloak') claims.set('typ', json('Bearer'))
  if (parties !== undefined || random.chance(0.4)) claims.set(names.tokenUse, json('access'))
  if (random.chance(0.5)) claims.set(names.scope, json(random.pick(['read', 'read write', ['read'], ''])))
  if (policy.required.includes('roles') || random.chance(0.2)) claims.set('roles', json(['admin']))
  if (random.chance(0.4)) claims.set(names.tokenVersion, String(random.below(4)))
  if (random.chance(0.3)) claims.set(names.lastLogoutTime, String(now - random.below(200)))
  if (policy.grantClaim !== undefined && random.chance(0.8)) claims.set(policy.grantClaim, json(random.pick(CLIENTS)))
  if (policy.impersonation !== 'refuse' && random.chance(0.1)) claims.set('act', json({ sub: 'support' }))
  return claims
}

/** Returns an id as JSON: a number if the policy allows numeric ids, otherwise a string. */
function idOf(random: Random, { numericIds }: Policy): string {
  return numericIds === 'accept' ? random.pick(['42', '-7', '0']) : json('42')
}

/** One mutation of a draft. The message of a failure contains its name. */
export interface Mutation {
  name: string
  apply(draft: Draft): void
}

/** Chooses mutations for one token: mostly none, rarely several. */
export function chooseMutations(random: Random, around: Surroundings): Mutation[] {
  const count = random.weighted([
    [45, 0],
    [38, 1],
    [12, 2],
    [5, 3],
  ] as const)
  return Array.from({ length: count }, () => chooseMutation(random, around))
}

function chooseMutation(random: Random, around: Surroundings): Mutation {
  const kind = random.weighted([
    [16, mutateClaim],
    [14, mutateTime],
    [6, mutateAudience],
    [5, mutateIssuer],
    [8, mutateUse],
    [8, mutateId],
    [3, mutateVersion],
    [9, mutateHeader],
    [7, mutateSignature],
    [9, mutateForm],
    [5, addHarmless],
  ] as const)
  return kind(random, around)
}

function setting(name: string, value: string | undefined): Mutation {
  return {
    name: value === undefined ? `no ${name}` : `${name}: ${value.length > 80 ? `${value.slice(0, 77)}...` : value}`,
    apply({ claims }) {
      if (value === undefined) claims.delete(name)
      else claims.set(name, value)
    },
  }
}

/** Removes a claim, makes it `null` or empty, or gives it a wrong type. */
function mutateClaim(random: Random, { policy }: Surroundings): Mutation {
  const { names, issuerClaim, tenantClaim = 'nbf', grantClaim = 'sid' } = policy
  const all = [
    ...Object.values(names),
    issuerClaim,
    tenantClaim,
    grantClaim,
    'aud',
    'exp',
    'nbf',
    'iat',
    'auth_time',
    'azp',
    'client_id',
    'typ',
    'cnf',
    'act',
    'roles',
    'rsq',
    'sub',
    'jti',
  ]
  const value = random.weighted([
    [4, undefined],
    [5, 'null'],
    [2, '""'],
    [1, '0'],
    [1, '"x"'],
    [1, 'true'],
    [1, '[]'],
    [1, '{}'],
    [1, '["x"]'],
    [1, '[null]'],
  ])
  return setting(random.pick(all), value)
}

/** Sets a time close to where the verdict changes, sometimes with a fraction, an exponent or out of range. */
function mutateTime(random: Random, { policy, now }: Surroundings): Mutation {
  const { gate, origin, lifetimeOfOrigin } = policy
  const near = random.pick([
    0,
    gate.leewaySeconds,
    origin.leewaySeconds,
    gate.skewSeconds,
    origin.skewSeconds,
    origin.issuerSkewSeconds,
    1,
  ])
  const far = random.pick([lifetimeOfOrigin, gate.maxLifetimeSeconds, origin.maxSessionSeconds])
  const claim = random.weighted([
    [4, 'exp'],
    [4, 'nbf'],
    [4, 'iat'],
    [2, 'auth_time'],
    [1, policy.names.lastLogoutTime],
  ])
  const offset = random.pick([-1, 1]) * near + random.pick([0, 0, far, -far]) + random.between(-1, 1)
  const time = now + offset
  const spelled = random.weighted([
    [12, String(time)],
    [3, `${time}.5`],
    [1, `${time}.0`],
    [1, `${time}0e-1`],
    [1, `${time / 1000}e3`],
    [1, String(time * 1000)],
    [1, `"${time}"`],
    [
      1,
      random.pick([
        '0',
        '-0',
        '-1',
        '-0.5',
        '1e300',
        '1e400',
        '-1e400',
        '9007199254740993',
        '1e-400',
        '18446744073709551616',
      ]),
    ],
  ])
  return setting(claim, spelled)
}

function mutateAudience(random: Random, { policy }: Surroundings): Mutation {
  const ours = policy.audience === 'none' ? 'api' : random.pick(policy.audience)
  const values = [
    ours,
    'other',
    '',
    `${ours}/`,
    ours.toUpperCase(),
    [],
    [ours],
    ['other'],
    ['', ours],
    [ours, 1],
    [ours, null],
    [[ours]],
    { ours },
    7,
    null,
    false,
  ]
  return setting('aud', json(random.pick<unknown>(values)))
}

function mutateIssuer(random: Random, { policy }: Surroundings): Mutation {
  const { issuers, issuerClaim, tenantClaim } = policy
  const issuer = random.pick(issuers)
  if (tenantClaim !== undefined && random.chance(0.6))
    return setting(tenantClaim, random.pick([undefined, 'null', '"t-1"', '"t-2"', '"t-3"', '1']))
  const values = [
    `${issuer}/`,
    issuer.slice(0, -1),
    issuer.toUpperCase(),
    ` ${issuer}`,
    'https://second.example',
    'https://issuer.example/{tid}/v2.0',
    [issuer],
    '',
    null,
    3,
  ]
  return setting(issuerClaim, json(random.pick<unknown>([...issuers, ...values])))
}

/** Changes a claim or header that distinguishes an access token from others. */
function mutateUse(random: Random, { policy }: Surroundings): Mutation {
  return random.pick([
    () =>
      setting(
        policy.names.tokenUse,
        random.pick(['"id"', '"refresh"', '"access"', '"Bearer"', '"bearer"', '5', 'null', '""', '["access"]']),
      ),
    () =>
      setting(
        'typ',
        random.pick([
          '"Bearer"',
          '"bearer"',
          '"ID"',
          '"Refresh"',
          '"Offline"',
          '"DPoP"',
          '"JWT"',
          '"at+jwt"',
          '""',
          'null',
          '7',
          undefined,
        ]),
      ),
    () => setting('cnf', random.pick(['{"jkt":"x"}', '{}', '""', 'null', 'false'])),
    () => setting('act', random.pick(['{"sub":"support"}', '{}', '""', 'null', '"support"'])),
    () =>
      setting(random.pick(['azp', 'client_id']), random.pick(['"app"', '"web"', '"other"', '""', 'null', undefined])),
    () =>
      setting(
        policy.names.scope,
        random.pick(['"read"', '""', '" "', '[]', '[""]', '["read"]', '["read",1]', '5', 'null', undefined]),
      ),
    () => setting('roles', random.pick(['[]', '""', 'null', '"x"', undefined])),
  ])()
}

/** Sets ids that are numbers, too long or unusual. */
function mutateId(random: Random, { policy }: Surroundings): Mutation {
  const { names, grantClaim = 'azp' } = policy
  const claim = random.pick([
    names.subject,
    names.subject,
    names.tokenId,
    names.session,
    'azp',
    'client_id',
    grantClaim,
  ])
  const long = (bytes: number): string => json('é'.repeat(Math.floor(bytes / 2)) + 'x'.repeat(bytes % 2))
  return setting(
    claim,
    random.pick([
      '42',
      '-7',
      '0',
      '-0',
      '1.0',
      '1e2',
      '1E0',
      '9007199254740991',
      '-9007199254740991',
      '9007199254740992',
      '-9007199254740992',
      '12345678901234567890',
      '0.5',
      long(1_024),
      long(1_025),
      json('\u0000'),
      json('"\\'),
      '"\\u0061lice"',
      '"\\ud83d\\ude00"',
      json(' alice'),
      json('ALICE'),
      'true',
      '["alice"]',
    ]),
  )
}

function mutateVersion(random: Random, { policy }: Surroundings): Mutation {
  const values = [
    '0',
    '1',
    '2',
    '3',
    '2.0',
    '2e0',
    '20e-1',
    '1.5',
    '-1',
    '-0',
    '"3"',
    'null',
    '9007199254740991',
    '9007199254740992',
    '1e400',
    '[3]',
  ]
  return setting(policy.names.tokenVersion, random.pick(values))
}

function mutateHeader(random: Random, { keys, policy }: Surroundings): Mutation {
  const member = (name: string, value: string | undefined): Mutation => ({
    name: `header ${value === undefined ? `without ${name}` : `${name}: ${value}`}`,
    apply({ header }) {
      if (value === undefined) header.delete(name)
      else header.set(name, value)
    },
  })
  const values = [
    'JWT',
    'jwt',
    'at+jwt',
    'application/at+jwt',
    'application/JWT',
    'application/application/JWT',
    'logout+jwt',
    'secevent+jwt',
    'dpop+jwt',
    '',
    null,
    5,
  ]
  return random.weighted([
    [4, () => member('typ', random.chance(0.2) ? undefined : json(random.pick<unknown>(values)))],
    [
      4,
      () =>
        member('kid', random.pick([undefined, 'null', '""', '"unknown"', '7', json(random.pick(keys).kid), '["k"]'])),
    ],
    [
      4,
      () =>
        member(
          'alg',
          random.pick([
            undefined,
            'null',
            '""',
            '"none"',
            '"None"',
            '"hs256"',
            '"RS1"',
            '7',
            json(random.pick(policy.algorithms)),
          ]),
        ),
    ],
    [1, () => member('crit', random.pick(['null', '[]', '["exp"]', '["b64"]', '"b64"']))],
    [1, () => member('b64', random.pick(['null', 'true', 'false', '"x"']))],
    [
      2,
      () =>
        member(
          random.pick(['jwk', 'jku', 'x5u', 'x5c', 'cty', 'zip', '__proto__']),
          random.pick(['null', '{}', '"https://attacker.example/jwks"', '["x"]', '7']),
        ),
    ],
    [
      1,
      () => ({
        name: 'crit with b64: true',
        apply({ header }: Draft) {
          header.set('crit', '["b64"]').set('b64', 'true')
        },
      }),
    ],
  ] as const)()
}

function mutateSignature(random: Random, { pool, keys }: Surroundings): Mutation {
  const damage = random.pick(['flipped', 'empty', 'short', 'other header'] as const)
  const other = random.chance(0.5) ? random.pick(pool) : random.pick(keys).key
  return random.weighted([
    [3, { name: `signature: ${damage}`, apply: (draft: Draft) => void (draft.damage = damage) }],
    [
      2,
      {
        name: `signed by key ${other.number}`,
        apply(draft: Draft) {
          draft.key = other
          if (!other.algorithms.includes(draft.algorithm)) draft.algorithm = other.algorithms[0] as Algorithm
        },
      },
    ],
    [
      2,
      {
        name: `signed by key ${other.number}, alg follows`,
        apply(draft: Draft) {
          draft.key = other
          draft.algorithm = other.algorithms.at(-1) as Algorithm
          draft.header.set('alg', json(draft.algorithm))
        },
      },
    ],
  ] as const)
}

function mutateForm(random: Random): Mutation {
  const form = random.pick(FORM_FAULTS)
  return { name: form, apply: (draft) => void (draft.form = form) }
}

/** Adds claims that do not affect the verdict except by the length. */
function addHarmless(random: Random): Mutation {
  const name = random.pick([
    'name',
    '__proto__',
    'constructor',
    'toString',
    'then',
    '',
    'AUD',
    'Exp',
    'cnf ',
    'aud\u0000',
  ])
  return setting(
    name,
    random.pick([
      '{"a":[{"b":null}]}',
      '[1,2.5,-3e4,""]',
      '"x"',
      'null',
      json('y'.repeat(400)),
      '1e400',
      '"\\u0000\\"\\\\"',
    ]),
  )
}

/** Signs a draft, with jose if jose can sign it. */
export async function sign(draft: Draft): Promise<string> {
  const { header, key, algorithm, form, damage } = draft
  const [headerText, claimsText] = spell(draft)
  const isPlain = form === undefined || SPELLED_AFTERWARDS.has(form)
  const alg = header.get('alg')
  const unusual = ['crit', 'b64', '__proto__'].some((member) => header.has(member)) || alg !== json(algorithm)
  let text: string
  if (isPlain && !unusual) {
    const parsed = JSON.parse(`{${[...header].map(([name, value]) => `${json(name)}:${value}`).join()}}`) as Record<
      string,
      unknown
    >
    text = await signByJose(parsed, claimsText as string, key, algorithm)
  } else {
    const parts = [
      encode(headerText, form === 'padded header'),
      encode(claimsText, form === 'padded claims', form === 'newline in claims'),
    ]
    if (form === 'empty header') parts[0] = ''
    if (form === 'empty claims') parts[1] = ''
    text = `${parts.join('.')}.${signByNode(parts.join('.'), key, algorithm)}`
  }
  if (form !== undefined) return respell(text, form)
  return isDamaged(draft) ? harm(text, damage) : text
}

/** Whether the signature is invalidated. A malformed token is detected first. */
export function isDamaged({ form, damage }: Draft): boolean {
  return form === undefined && damage !== undefined
}

/** Faults applied to a signed token; all others are applied before signing. */
const SPELLED_AFTERWARDS: ReadonlySet<FormFault> = new Set([
  'padded signature',
  'newline in signature',
  'trailing bits',
  'standard alphabet',
  'two parts',
  'four parts',
  'encrypted',
  'no ASCII',
  'leading space',
  'trailing newline',
])

function spell({ header, claims, form }: Draft): [string | Uint8Array, string | Uint8Array] {
  const inner = (members: ReadonlyMap<string, string>): string =>
    [...members].map(([name, value]) => `${json(name)}:${value}`).join()
  const [members, own] = [inner(header), inner(claims)]
  const text = { header: `{${members}}`, claims: `{${own}}` }
  switch (form) {
    case 'claims no JSON':
      return [text.header, `${text.claims}}`]
    case 'claims no object':
      return [text.header, `[${text.claims}]`]
    case 'claims null':
      return [text.header, 'null']
    case 'claims not UTF-8':
      return [text.header, Buffer.concat([Buffer.from(`{${own},"x":"`), Buffer.from([0xff]), Buffer.from('"}')])]
    case 'claims with a mark':
      return [text.header, `\ufeff${text.claims}`]
    case 'header with a mark':
      return [`\ufeff${text.header}`, text.claims]
    case 'header no object':
      return [`[${text.header}]`, text.claims]
    case 'claim twice':
      return [text.header, `{"x":1,${own},"x":1}`]
    case 'claim twice, escaped':
      return [text.header, `{"x":1,${own},"\\u0078":2}`]
    case 'claim twice inside':
      return [text.header, `{${own},"x":{"y":[{"z":1,"z":1}]}}`]
    case 'header member twice':
      // Twice by itself: the header may have no `alg` of its own.
      return [`{"alg":"none","alg":"none",${members}}`, text.claims]
    case 'half a surrogate':
      return [text.header, `{${own},"x":"\\ud83d"}`]
    case 'deep claims':
      return [text.header, `{${own},"x":${'['.repeat(40)}${']'.repeat(40)}}`]
    case 'trailing comma':
      return [text.header, `{${own},}`]
    case 'line break in string':
      return [text.header, `{${own},"x":"\n"}`]
    case 'padded signature':
    case 'newline in signature':
    case 'trailing bits':
    case 'padded claims':
    case 'padded header':
    case 'newline in claims':
    case 'standard alphabet':
    case 'two parts':
    case 'four parts':
    case 'encrypted':
    case 'no ASCII':
    case 'leading space':
    case 'trailing newline':
    case 'empty header':
    case 'empty claims':
    case undefined:
      return [text.header, text.claims]
  }
}

function encode(part: string | Uint8Array, padded: boolean, broken = false): string {
  const bytes = Buffer.from(part)
  // A part of a multiple of three bytes has no padding, so white space, which JSON ignores, is appended.
  const filled = padded && bytes.length % 3 === 0 ? Buffer.concat([bytes, Buffer.from(' ')]) : bytes
  const text = filled.toString('base64url')
  if (broken) return `${text.slice(0, 8)}\n${text.slice(8)}`
  return padded ? text.padEnd(Math.ceil(text.length / 4) * 4, '=') : text
}

function harm(text: string, damage: Draft['damage']): string {
  const [header = '', claims = '', signature = ''] = text.split('.')
  switch (damage) {
    case undefined:
      return text
    case 'flipped': {
      const bytes = Buffer.from(signature, 'base64url')
      const middle = bytes.length >> 1
      bytes[middle] = (bytes[middle] as number) ^ 0x10
      return `${header}.${claims}.${bytes.toString('base64url')}`
    }
    case 'empty':
      return `${header}.${claims}.`
    case 'short':
      return `${header}.${claims}.${Buffer.from(signature, 'base64url').subarray(1).toString('base64url')}`
    case 'other header': {
      const other = Buffer.concat([Buffer.from(header, 'base64url'), Buffer.from(' ')]).toString('base64url')
      return `${other}.${claims}.${signature}`
    }
  }
}

function respell(text: string, form: FormFault): string {
  switch (form) {
    case 'padded signature':
      return text + '='.repeat((4 - (signatureLength(text) % 4)) % 4 || 1)
    case 'newline in signature':
      return `${text.slice(0, -4)}\n${text.slice(-4)}`
    case 'trailing bits':
      // Without spare bits, an extra character is added, which encodes no byte.
      return hasSpareBits(text)
        ? `${text.slice(0, -1)}${BASE64URL[BASE64URL.indexOf(text.at(-1) as string) | 1] as string}`
        : `${text}B`
    case 'standard alphabet':
      return `${text.slice(0, -9)}/${text.slice(-8)}`
    case 'two parts':
      return text.slice(0, text.lastIndexOf('.'))
    case 'four parts':
      return `${text}.AAAA`
    case 'encrypted':
      return `${text}.AAAA.AAAA`
    case 'no ASCII':
      return `${text.slice(0, -4)}é${text.slice(-3)}`
    case 'leading space':
      return ` ${text}`
    case 'trailing newline':
      return `${text}\n`
    default:
      return text
  }
}

/** Whether the last character of the signature has bits beyond the last byte. */
function hasSpareBits(text: string): boolean {
  return signatureLength(text) % 4 !== 0
}

function signatureLength(text: string): number {
  return text.length - text.lastIndexOf('.') - 1
}

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

function json(value: unknown): string {
  return JSON.stringify(value) ?? 'null'
}
