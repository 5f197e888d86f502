import { PortcullisError } from '../../../errors.ts'
import { jsonRequest, notBeforeRule, readJson } from '../request-body.ts'
import { json, noContent } from '../response.ts'
import { enforcedOr, ENFORCEMENT, WAIT_PARAMETERS, waitOf } from '../wait.ts'
import { REASON_PARAMETER } from '../operation.ts'
import { Problem } from '../problem.ts'
import { invalidRequest } from '../input.ts'
import { notAdministered } from '../realm.ts'
import type { Call, Route } from '../route.ts'

const KEY = {
  type: 'object',
  required: ['use', 'status', 'banned'],
  properties: {
    kid: { type: 'string' },
    thumbprint: { type: 'string', description: 'The RFC 7638 thumbprint; absent for a symmetric key.' },
    algorithm: { type: 'string' },
    use: { type: 'string' },
    status: {
      enum: ['ACTIVE', 'PASSIVE', 'DISABLED'],
      description: 'Signs; only verifies, as far as is known; is banned.',
    },
    banned: { type: 'boolean' },
    createdAt: { type: 'integer', description: 'Unix seconds.' },
    notBefore: {
      type: 'integer',
      description: 'Tokens that it signed up to this time are refused; unix seconds, 0 if none.',
    },
  },
}

const NOT_BEFORE = jsonRequest(
  {
    notBefore: notBeforeRule(
      'Unix seconds. Default: now, also without a body or for a time further ahead than clocks may differ.',
    ),
  },
  'optional',
)

const KEYS = {
  type: 'object',
  required: ['active', 'keys'],
  properties: {
    active: {
      type: 'object',
      additionalProperties: { type: 'string' },
      description: 'The `kid` of the signing key, by algorithm.',
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
        "The signing keys of the realm's issuer; those of its set that are for encryption, or are not used, are omitted. A set does " +
        'not say which key signs: the only one of an algorithm does.',
      answers: { 200: { description: 'All keys.', type: 'application/json', schema: KEYS } },
    },
    handle: list,
  },
  {
    method: 'POST',
    path: '/admin/realms/{realm}/keys',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary: 'Creates a signing key, if the issuer runs beside the origin; older ones still verify.',
      query: { ...WAIT_PARAMETERS, ...REASON_PARAMETER },
      answers: {
        200: {
          description: 'With `wait`: created, and how many edges know it.',
          type: 'application/json',
          schema: ENFORCEMENT,
        },
        201: { description: 'The new key; it is already in the feed.', type: 'application/json', schema: KEY },
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
      summary: 'Bans a key: all its tokens are refused permanently.',
      query: {
        force: {
          description: 'Whether to ban even the last key; then logins fail. Default `false`.',
          schema: { enum: ['true', 'false'] },
        },
        ...WAIT_PARAMETERS,
        ...REASON_PARAMETER,
      },
      answers: {
        200: {
          description: 'With `wait`: banned, and how many edges enforce it.',
          type: 'application/json',
          schema: ENFORCEMENT,
        },
        204: { description: 'Banned, also if it already was.' },
        409: {
          description:
            '`last_key`: no other unbanned signing key is left. `ambiguous_key`: different keys have or ' +
            'had that `kid`; specify one by its thumbprint. ' +
            '`too_many`: the feed cannot carry more bans.',
        },
      },
    },
    handle: ban,
  },
  {
    method: 'PUT',
    path: '/admin/realms/{realm}/keys/{kid}/not-before',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary:
        'Refuses the tokens that a key signed up to a time. Use it for a period of mistaken issuance, never for a leaked key: ban that.',
      query: { ...WAIT_PARAMETERS, ...REASON_PARAMETER },
      body: NOT_BEFORE,
      answers: {
        200: {
          description: 'With `wait`: done, and how many edges enforce it.',
          type: 'application/json',
          schema: ENFORCEMENT,
        },
        204: { description: 'Done, also if its not-before was already later.' },
        409: { description: '`ambiguous_key`: as for a ban. `too_many`: the feed cannot carry more of them.' },
      },
    },
    handle: raiseNotBefore,
  },
  {
    method: 'POST',
    path: '/admin/realms/{realm}/keys/{kid}/retire',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary: 'Removes a key that no longer signs from the set, if the issuer runs beside the origin.',
      query: { ...WAIT_PARAMETERS, ...REASON_PARAMETER },
      answers: {
        200: {
          description: 'With `wait`: retired, and how many edges know it.',
          type: 'application/json',
          schema: ENFORCEMENT,
        },
        204: { description: 'Retired, and removed from the feed.' },
        409: { description: '`active_key`: it still signs.' },
      },
    },
    handle: retire,
  },
]

async function list(call: Call): Promise<Response> {
  const keys = await call.context.operations.keys.list(call.parameter('realm'))
  const active = keys.flatMap(({ status, algorithm, kid }) =>
    status === 'ACTIVE' && algorithm !== undefined && kid !== undefined ? [[algorithm, kid] as const] : [],
  )
  return json(200, { active: Object.fromEntries(active), keys })
}

async function add(call: Call): Promise<Response> {
  const { context, act, parameter } = call
  const wait = waitOf(call)
  const added = await context.operations.keys.add(parameter('realm'), act())
  if (added === undefined) throw notAdministered()
  return enforcedOr(call, wait, added.recorded, json(201, { ...added.key, banned: false, notBefore: 0 }))
}

async function ban(call: Call): Promise<Response> {
  const { context, parameter } = call
  const [wait, act, force] = [waitOf(call), call.act(), forceOf(call)]
  try {
    const recorded = await context.service.banKey(parameter('realm'), parameter('kid'), { force, ...act })
    return await enforcedOr(call, wait, recorded, noContent())
  } catch (error) {
    throw keyProblem(error)
  }
}

async function raiseNotBefore(call: Call): Promise<Response> {
  const { context, parameter } = call
  const [wait, act, kid] = [waitOf(call), call.act(), parameter('kid')]
  const time = await readJson(call, NOT_BEFORE)
  try {
    const recorded = await context.service.raiseKeyNotBefore(parameter('realm'), kid, { ...time, ...act })
    return await enforcedOr(call, wait, recorded, noContent())
  } catch (error) {
    throw keyProblem(error)
  }
}

async function retire(call: Call): Promise<Response> {
  const { context, parameter } = call
  const wait = waitOf(call)
  const retired = await context.operations.keys.retire(parameter('realm'), parameter('kid'), call.act())
  switch (retired) {
    case undefined:
      throw notAdministered()
    case 'unknown':
      throw unknownKey()
    case 'active':
      throw new Problem(409, 'active_key', 'the key still signs: add another one first')
    default:
      return enforcedOr(call, wait, retired, noContent())
  }
}

function forceOf({ url }: Call): boolean {
  const [value = 'false', ...more] = url.searchParams.getAll('force')
  if (more.length > 0 || (value !== 'true' && value !== 'false'))
    throw invalidRequest('force can be true or false, given once')
  return value === 'true'
}

function keyProblem(error: unknown): unknown {
  if (!(error instanceof PortcullisError) || error.code !== 'invalid_event') return error
  switch (error.detail) {
    case 'unknown_key':
      return unknownKey()
    case 'ambiguous_key':
    case 'last_key':
    case 'too_many':
      return new Problem(409, error.detail, error.message)
    default:
      return error
  }
}

function unknownKey(): Problem {
  return new Problem(404, 'not_found', 'the realm has no such key')
}
