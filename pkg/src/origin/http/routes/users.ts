import { required } from '../../../options.ts'
import { jsonRequest, nameRule, readJson, whole } from '../request-body.ts'
import { json, noContent } from '../response.ts'
import { enforcedOr, ENFORCEMENT, WAIT_PARAMETERS, waitOf } from '../wait.ts'
import { UPSTREAM } from '../upstream.ts'
import { actOfIssuer, ISSUER_PARAMETER } from '../issuer-parameter.ts'
import { type Operation, REASON_PARAMETER } from '../operation.ts'
import { Problem } from '../problem.ts'
import { invalidRequest, textParameter, wholeNumber } from '../input.ts'
import { administrationOf } from '../realm.ts'
import type { Call, Route } from '../route.ts'

/** How many users are listed by default, and at most. */
const DEFAULT_USERS = 100
const MAX_USERS = 1_000

const USER = jsonRequest({ id: required(nameRule) })
const TOKEN_VERSION = jsonRequest({ minimum: required(whole(0)) })

const USERS = {
  type: 'array',
  items: {
    type: 'object',
    required: ['id', 'username', 'notBefore', 'tokenVersion'],
    properties: {
      id: { type: 'string' },
      username: { type: 'string' },
      roles: { type: 'array', items: { type: 'string' } },
      notBefore: {
        type: 'integer',
        description: 'Tokens issued up to this time are refused; unix seconds, 0 if none.',
      },
      tokenVersion: { type: 'integer', description: 'Tokens with a lower version are refused.' },
    },
  },
}

const SESSIONS = {
  type: 'array',
  items: {
    type: 'object',
    required: ['id', 'userId', 'username', 'start', 'lastAccess', 'clients'],
    properties: {
      id: { type: 'string' },
      userId: { type: 'string' },
      username: { type: 'string' },
      start: { type: 'integer', description: 'Unix seconds.' },
      lastAccess: { type: 'integer', description: 'Unix seconds.' },
      clients: { type: 'array', items: { type: 'string' } },
      ipAddress: { type: 'string' },
    },
  },
}

const LOGGED_OUT: Operation['answers'] = {
  200: {
    description: 'With `wait`: done, and how many edges enforce it.',
    type: 'application/json',
    schema: ENFORCEMENT,
    headers: UPSTREAM,
  },
  204: { description: 'Done, also for an unknown user.', headers: UPSTREAM },
}

/** Users, as in Keycloak's Admin API; `{id}` is the `sub`. */
export const userRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/admin/realms/{realm}/users/{id}/logout',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary: 'Logs a user out everywhere.',
      query: { ...ISSUER_PARAMETER, ...WAIT_PARAMETERS, ...REASON_PARAMETER },
      answers: LOGGED_OUT,
    },
    handle: logout,
  },
  {
    method: 'POST',
    path: '/admin/realms/{realm}/users/logout',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary: 'Logs a user out everywhere; `id` is the `sub`. For names that a path cannot contain.',
      query: { ...ISSUER_PARAMETER, ...WAIT_PARAMETERS, ...REASON_PARAMETER },
      body: USER,
      answers: LOGGED_OUT,
    },
    handle: logoutNamed,
  },
  {
    method: 'PUT',
    path: '/admin/realms/{realm}/users/{id}/token-version',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary: "Refuses a user's tokens of older versions.",
      query: { ...ISSUER_PARAMETER, ...WAIT_PARAMETERS, ...REASON_PARAMETER },
      body: TOKEN_VERSION,
      answers: {
        200: {
          description: 'With `wait`: done, and how many edges enforce it.',
          type: 'application/json',
          schema: ENFORCEMENT,
        },
        204: { description: 'Done, also if the minimum was already higher.' },
      },
    },
    handle: raiseTokenVersion,
  },
  {
    method: 'GET',
    path: '/admin/realms/{realm}/users',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary: 'The users, if the issuer runs beside the origin.',
      query: {
        search: { description: 'A part of the user name.', schema: { type: 'string' } },
        first: { description: 'The number of users to skip; default 0.', schema: { type: 'integer', minimum: 0 } },
        max: {
          description: `The maximum number of users; default ${DEFAULT_USERS}.`,
          schema: { type: 'integer', minimum: 1, maximum: MAX_USERS },
        },
      },
      answers: { 200: { description: 'The selected users.', type: 'application/json', schema: USERS } },
    },
    handle: users,
  },
  {
    method: 'GET',
    path: '/admin/realms/{realm}/users/{id}/sessions',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary: "A user's sessions that have not ended, if the issuer runs beside the origin.",
      answers: { 200: { description: 'All sessions.', type: 'application/json', schema: SESSIONS } },
    },
    handle: sessions,
  },
]

async function logout(call: Call): Promise<Response> {
  const { context, parameter } = call
  const wait = waitOf(call)
  return enforcedOr(
    call,
    wait,
    await context.service.logoutUser(parameter('realm'), parameter('id'), actOfIssuer(call)),
    noContent(),
  )
}

async function logoutNamed(call: Call): Promise<Response> {
  const { context, parameter } = call
  const [wait, act] = [waitOf(call), actOfIssuer(call)]
  const { id } = await readJson(call, USER)
  return enforcedOr(call, wait, await context.service.logoutUser(parameter('realm'), id, act), noContent())
}

async function raiseTokenVersion(call: Call): Promise<Response> {
  const { context, parameter } = call
  const [wait, act, user] = [waitOf(call), actOfIssuer(call), parameter('id')]
  const { minimum } = await readJson(call, TOKEN_VERSION)
  const recorded = await context.service.raiseTokenVersion(parameter('realm'), user, minimum, act)
  return enforcedOr(call, wait, recorded, noContent())
}

async function users(call: Call): Promise<Response> {
  const search = textParameter(call.url, 'search')
  const first = wholeNumber(call.url, 'first') ?? 0
  const max = wholeNumber(call.url, 'max') ?? DEFAULT_USERS
  if (max < 1 || max > MAX_USERS) throw invalidRequest(`max must be 1 to ${MAX_USERS}`)
  const { service } = call.context
  const [realm, found] = [
    call.parameter('realm'),
    await administrationOf(call).users({ ...(search === undefined ? {} : { search }), first, max }),
  ]
  const inForce = (id: string): object => ({
    notBefore: service.userNotBefore(realm, id),
    tokenVersion: service.minimumVersion(realm, id),
  })
  return json(
    200,
    found.map((user) => ({ ...user, ...inForce(user.id) })),
  )
}

async function sessions(call: Call): Promise<Response> {
  const found = await administrationOf(call).sessions(call.parameter('id'))
  if (found === undefined) throw new Problem(404, 'not_found', 'unknown user')
  return json(200, found)
}
