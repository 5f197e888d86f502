import { VERSION } from '../../version.ts'
import type { Answer, Operation, Schema } from './operation.ts'
import { MAX_PARAMETER_CHARACTERS } from './input.ts'
import type { Route } from './route.ts'
import type { Settings } from '../settings.ts'

/** The configured credentials, as far as the document depends on them. */
type Credentials = Pick<Settings, 'feedCredential' | 'metricsCredential'>

const JSON_TYPE = 'application/json'
const ERROR: Schema = { $ref: '#/components/schemas/Error' }

/** Returns the routes as an OpenAPI 3.1 document; it is derived from them alone. */
export function openApiDocument(routes: readonly Route[], credentials: Credentials): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    const path = (paths[route.path] ??= {})
    path[route.method.toLowerCase()] = operationObject(route, credentials)
  }
  return {
    openapi: '3.1.1',
    jsonSchemaDialect: 'https://spec.openapis.org/oas/3.1/dialect/base',
    info: {
      title: 'Portcullis origin',
      version: VERSION,
      description:
        'Revokes tokens and logs users out, and publishes both to every edge. Routes with GET also support HEAD.',
      license: { name: 'MIT OR Apache-2.0', identifier: 'MIT OR Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: TAGS,
    paths,
    components: { schemas: SCHEMAS, securitySchemes: SECURITY_SCHEMES },
  }
}

const TAGS = [
  { name: 'revocation', description: 'Revocation of a token by its holder, or by the client to which it was issued.' },
  { name: 'connectors', description: 'Messages of identity servers, each signed by the issuer of the realm.' },
  { name: 'administration', description: 'Requires an access token with the administrator role of the realm.' },
  { name: 'feed', description: 'The feed for edges, and their acknowledgements.' },
  { name: 'operations', description: 'Health, measurements and this document.' },
]

const SCHEMAS = {
  Error: {
    type: 'object',
    required: ['error'],
    additionalProperties: false,
    properties: {
      error: { type: 'string', description: 'A stable code.' },
      error_description: { type: 'string', description: 'A human-readable sentence.' },
    },
  },
}

const SECURITY_SCHEMES = {
  administrator: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An access token with the administrator role of the realm.',
  },
  feedCredential: { type: 'http', scheme: 'bearer', description: 'The credential of readers of the feed.' },
  metricsCredential: { type: 'http', scheme: 'bearer', description: 'The credential of readers of the measurements.' },
  edge: { type: 'http', scheme: 'bearer', description: "An edge's secret." },
  caller: {
    type: 'http',
    scheme: 'bearer',
    description:
      'A secret of a caller, or a JWT that it has signed (draft-parecki-oauth-global-token-revocation-06 §3.5).',
  },
  client: {
    type: 'http',
    scheme: 'basic',
    description: "A client's id and secret (RFC 6749 §2.3.1); they may also be in the form.",
  },
}

function operationObject(route: Route, credentials: Credentials): object {
  const { method, path, operation } = route
  const parameters = [...pathParameters(path), ...queryParameters(operation.query ?? {})]
  const security = securityOf(route, credentials)
  return {
    operationId: operationId(method, path),
    tags: [route.tag],
    summary: operation.summary,
    ...(security === undefined ? {} : { security }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(operation.body === undefined
      ? {}
      : {
          requestBody: {
            required: operation.body.need !== 'optional',
            content: { [operation.body.type]: { schema: operation.body.schema } },
          },
        }),
    responses: responses(route, { parameters: parameters.length > 0, credentials: security !== undefined }),
  }
}

/** Returns the alternative credentials of a route; `undefined` if it needs none. */
function securityOf({ access, operation }: Route, credentials: Credentials): object[] | undefined {
  switch (access) {
    case 'administrator':
      return [{ administrator: [] }]
    case 'reader':
      return credentials.feedCredential === undefined ? undefined : [{ feedCredential: [] }]
    case 'monitor':
      return credentials.metricsCredential === undefined ? undefined : [{ metricsCredential: [] }]
    case 'anybody':
      return operation.security?.map((scheme) => ({ [scheme]: [] }))
  }
}

const PARAMETERS: Readonly<Record<string, string>> = {
  realm: 'The short name of a realm.',
  id: 'The `sub` of a user.',
  sid: 'The `sid` of a session.',
  client: 'The `client_id` of a client.',
  kid: 'The `kid` of a key, or its RFC 7638 thumbprint.',
  sha256: 'The SHA-256 of a section, 64 hexadecimal digits.',
}

const SHA256: Schema = { type: 'string', pattern: '^[0-9a-f]{64}$' }

/** Excludes control characters and dot segments. */
const NAME: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: MAX_PARAMETER_CHARACTERS,
  pattern: '^(?!\\.\\.?(?:[/\\\\]|$))(?!.*[/\\\\]\\.\\.?(?:[/\\\\]|$))[^\\u0000-\\u001f\\u007f-\\u009f]+$',
}

function pathParameters(path: string): object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    description: PARAMETERS[name] ?? name,
    schema: name === 'sha256' ? SHA256 : NAME,
  }))
}

function queryParameters(query: NonNullable<Operation['query']>): object[] {
  return Object.entries(query).map(([name, { description, schema, need }]) => ({
    name,
    in: 'query',
    ...(need === 'required' ? { required: true } : {}),
    description,
    // Above this JavaScript's numbers are not exact.
    schema: schema['type'] === 'integer' ? { maximum: Number.MAX_SAFE_INTEGER, ...schema } : schema,
  }))
}

/** Returns the route's own responses, and those that can precede every route. */
function responses(
  { access, path, operation }: Route,
  has: { parameters: boolean; credentials: boolean },
): Record<string, object> {
  const { answers, body } = operation
  const all: Record<number, Answer> = {
    403: { description: 'Plain http is not allowed.' },
    500: { description: 'The origin failed; nothing was recorded.' },
    503: { description: 'The origin is closing.' },
  }
  if (has.parameters || body !== undefined) all[400] = { description: 'A parameter or the body is malformed.' }
  if (path.includes('{')) all[404] = { description: 'Unknown realm or object.' }
  if (body !== undefined) {
    all[408] = { description: 'The body did not arrive in time.' }
    all[413] = { description: 'The body is too large.' }
  }
  if (has.credentials) all[401] = { description: 'Not authenticated: the credentials are missing or invalid.' }
  if (access === 'administrator') {
    all[403] = { description: 'The token lacks the role for this realm; or plain http is not allowed.' }
    all[503] = { description: "The keys of the token's issuer are not available, or the origin is closing." }
  }
  if (access === 'monitor' && !has.credentials)
    all[403] = { description: 'Only this machine may read it; or plain http is not allowed.' }
  if (has.credentials || answers[401] !== undefined) all[429] = { description: 'Too many failed attempts.' }
  for (const [status, answer] of Object.entries(answers)) all[Number(status)] = answer
  return Object.fromEntries(
    Object.entries(all).map(([status, answer]) => [status, responseObject(Number(status), answer)]),
  )
}

function responseObject(status: number, { description, type, schema, otherTypes = [], headers: own }: Answer): object {
  const headers = own ?? (status === 401 ? CHALLENGE : status === 429 || status === 503 ? WAIT : undefined)
  const content =
    type !== undefined
      ? { [type]: schema === undefined ? {} : { schema }, ...Object.fromEntries(otherTypes.map((each) => [each, {}])) }
      : status >= 400
        ? { [JSON_TYPE]: { schema: ERROR } }
        : undefined
  return { description, ...(headers === undefined ? {} : { headers }), ...(content === undefined ? {} : { content }) }
}

const CHALLENGE = {
  'WWW-Authenticate': { description: 'How to authenticate (RFC 9110 §11.6.1).', schema: { type: 'string' } },
}
const WAIT = { 'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer', minimum: 1 } } }

/** Returns an id such as `getFeedRealmManifest`; it is unique because method and path are. */
function operationId(method: string, path: string): string {
  const words = path.split(/[^A-Za-z0-9]+/).filter((word) => word !== '')
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}
