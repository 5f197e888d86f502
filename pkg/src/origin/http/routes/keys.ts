import { PortcullisError } from '../../../errors.ts'
import { json, noContent } from '../response.ts'
import { enforcedOr, ENFORCEMENT, WAIT_PARAMETERS, waitOf } from '../wait.ts'
import { algorithmOf, knownKeys } from '../../gate/known-keys.ts'
import { REASON_PARAMETER } from '../operation.ts'
import { Problem } from '../problem.ts'
import { invalidRequest } from '../input.ts'
import type { Call, Route } from '../route.ts'
import { issuerOf } from './users.ts'

/** A realm's key, by Keycloak's Admin API. */
interface ShownKey {
  kid?: string
  /** RFC 7638. */
  thumbprint?: string
  algorithm?: string
  use: string
  status: 'ACTIVE' | 'PASSIVE' | 'DISABLED'
  banned: boolean
  /** Unix seconds. */
  createdAt?: number
}

const KEY = {
  type: 'object',
  required: ['use', 'status', 'banned'],
  properties: {
    kid: { type: 'string' },
    thumbprint: { type: 'string', description: 'That of RFC 7638; absent for a symmetric key.' },
    algorithm: { type: 'string' },
    use: { type: 'string' },
    status: {
      enum: ['ACTIVE', 'PASSIVE', 'DISABLED'],
      description: 'It signs; it only verifies, as far as is known; it is banned.',
    },
    banned: { type: 'boolean' },
    createdAt: { type: 'integer', description: 'Unix seconds.' },
  },
}

const KEYS = {
  type: 'object',
  required: ['active', 'keys'],
  properties: {
    active: {
      type: 'object',
      additionalProperties: { type: 'string' },
      description: 'By algorithm the `kid` of the key that signs.',
    },
    keys: { type: 'array', items: KEY },
  },
}

/** The keys of a realm's issuer; `{kid}` may also be a key's RFC 7638 thumbprint. */
export const keyRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/admin/realms/{realm}/keys',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary:
        "The keys of the realm's issuer. A set does not say which key signs: the only one of an algorithm does.",
      answers: { 200: { description: 'All of them.', type: 'application/json', schema: KEYS } },
    },
    handle: list,
  },
  {
    method: 'POST',
    path: '/admin/realms/{realm}/keys',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary: 'Makes a new signing key, where the issuer stands beside the origin; older ones still verify.',
      query: { ...WAIT_PARAMETERS, ...REASON_PARAMETER },
      answers: {
        200: { description: 'Made, and how many edges know it: `wait`.', type: 'application/json', schema: ENFORCEMENT },
        201: { description: 'The new key; it is in the feed already.', type: 'application/json', schema: KEY },
      },
    },
    handle: add,
  },
  {
    method: 'DELETE',
    path: '/admin/realms/{realm}/keys/{kid}',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary: 'Bans a key: whatever it signed is refused, for ever.',
      query: {
        force: {
          description: 'Whether to ban the last one too; then nobody can log in. Default `false`.',
          schema: { enum: ['true', 'false'] },
        },
        ...WAIT_PARAMETERS,
        ...REASON_PARAMETER,
      },
      answers: {
        200: {
          description: 'Banned, and how many edges enforce it: `wait`.',
          type: 'application/json',
          schema: ENFORCEMENT,
        },
        204: { description: 'Banned; also when it was already.' },
        409: { description: '`last_key`: no other signing key is left that is not banned.' },
      },
    },
    handle: ban,
  },
  {
    method: 'POST',
    path: '/admin/realms/{realm}/keys/{kid}/retire',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary: 'Takes a key that no longer signs out of the set, where the issuer stands beside the origin.',
      query: { ...WAIT_PARAMETERS, ...REASON_PARAMETER },
      answers: {
        200: {
          description: 'Retired, and how many edges know it: `wait`.',
          type: 'application/json',
          schema: ENFORCEMENT,
        },
        204: { description: 'Retired, and out of the feed.' },
        409: { description: '`active_key`: it still signs.' },
      },
    },
    handle: retire,
  },
]

async function list(call: Call): Promise<Response> {
  const realm = call.parameter('realm')
  const settings = call.context.settings.realms.find(({ name }) => name === realm)
  const keys = await (settings?.administration === undefined ? keysOfSet(call, realm) : keysOfIssuer(call, realm))
  const active = keys.flatMap(({ status, algorithm, kid }) =>
    status === 'ACTIVE' && algorithm !== undefined && kid !== undefined ? [[algorithm, kid] as const] : [],
  )
  return json(200, { active: Object.fromEntries(active), keys })
}

async function keysOfIssuer(call: Call, realm: string): Promise<ShownKey[]> {
  const keys = await issuerOf(call).keys()
  return keys.map((key) => {
    const banned = call.context.origin.bans(realm, key.thumbprint)
    return { ...key, status: banned ? 'DISABLED' : key.status, banned }
  })
}

/** A set says which keys verify. Which one signs is known where an algorithm has but one. */
async function keysOfSet({ context }: Call, realm: string): Promise<ShownKey[]> {
  const rsaAlgorithm = context.settings.realms.find(({ name }) => name === realm)?.rsaAlgorithm
  const known = (await knownKeys(await context.gate.keys(realm))).map(({ jwk, kid, use = 'sig', thumbprint }) => ({
    // The thumbprint of a symmetric key is a hash of the secret.
    shown: { ...(kid === undefined ? {} : { kid }), ...(jwk.kty === 'oct' ? {} : { thumbprint }) },
    algorithm: algorithmOf(jwk, rsaAlgorithm),
    use,
    banned: context.origin.bans(realm, thumbprint),
  }))
  return known.map(({ shown, algorithm, use, banned }) => {
    const rivals = known.filter((other) => other.use !== 'enc' && !other.banned && other.algorithm === algorithm)
    const status = banned ? 'DISABLED' : use !== 'enc' && rivals.length === 1 ? 'ACTIVE' : 'PASSIVE'
    return { ...shown, ...(algorithm === undefined ? {} : { algorithm }), use, status, banned }
  })
}

async function add(call: Call): Promise<Response> {
  const { context, act, parameter } = call
  const [issuer, wait, who, realm] = [issuerOf(call), waitOf(call), act(), parameter('realm')]
  const key = await issuer.addKey()
  await context.audit.note({ realm, ...who, action: 'key_added', subject: key.thumbprint })
  return enforcedOr(call, wait, await context.origin.publishKeys(realm, who), json(201, { ...key, banned: false }))
}

async function ban(call: Call): Promise<Response> {
  const { context, parameter } = call
  const [wait, act, force] = [waitOf(call), call.act(), forceOf(call)]
  try {
    const recorded = await context.origin.banKey(parameter('realm'), parameter('kid'), { force, ...act })
    return await enforcedOr(call, wait, recorded, noContent())
  } catch (error) {
    throw problemOf(error)
  }
}

async function retire(call: Call): Promise<Response> {
  const { context, parameter } = call
  const [wait, act, realm, kid] = [waitOf(call), call.act(), parameter('realm'), parameter('kid')]
  const issuer = issuerOf(call)
  const found = (await issuer.keys()).find((key) => key.kid === kid || key.thumbprint === kid)
  switch (found === undefined ? 'unknown' : await issuer.retireKey(found.kid)) {
    case 'unknown':
      throw unknownKey()
    case 'active':
      throw new Problem(409, 'active_key', 'the key still signs: add another one first')
    case 'retired':
  }
  await context.audit.note({
    realm,
    ...act,
    action: 'key_retired',
    ...(found === undefined ? {} : { subject: found.thumbprint }),
  })
  return enforcedOr(call, wait, await context.origin.publishKeys(realm, act), noContent())
}

function forceOf({ url }: Call): boolean {
  const [value = 'false', ...more] = url.searchParams.getAll('force')
  if (more.length > 0 || (value !== 'true' && value !== 'false'))
    throw invalidRequest('force can be true or false, given once')
  return value === 'true'
}

function problemOf(error: unknown): unknown {
  if (!(error instanceof PortcullisError) || error.code !== 'invalid_event') return error
  if (error.detail === 'unknown_key') return unknownKey()
  return error.detail === 'last_key' ? new Problem(409, 'last_key', error.message) : error
}

function unknownKey(): Problem {
  return new Problem(404, 'not_found', 'the realm has no such key')
}
