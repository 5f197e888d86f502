import { PortcullisError } from '../../errors.ts'
import { isObject } from '../../options.ts'

/** Throws `wrong_request`, naming the adapter, for a request that is no Web request. */
export function mustBeRequest(request: unknown): void {
  if (hasWebHeaders(request)) return
  throw new PortcullisError('wrong_request', `the request is no Web Request: ${requestAdvice(request)}`)
}

/** Throws `wrong_request`, naming the adapter, for what frameworks pass where a worker has its `env`. */
export function mustBeEnv(env: unknown): void {
  const advice = envAdvice(env)
  if (advice !== undefined) throw new PortcullisError('wrong_request', `the second argument is no env: ${advice}`)
}

function hasWebHeaders(value: unknown): boolean {
  return typeof (value as { headers?: { get?: unknown } } | null | undefined)?.headers?.get === 'function'
}

function requestAdvice(value: unknown): string {
  if (typeof value === 'string') return 'gate.check(token) takes a token'
  if (!isObject(value)) return 'pass the request itself'
  const { raw, req, request } = value
  if (isObject(req) && hasWebHeaders(req['raw'])) return 'use protect of portcullis/hono, or pass c.req.raw'
  if (hasWebHeaders(raw)) return 'use protect of portcullis/hono, or pass its member raw'
  if (hasWebHeaders(request)) return 'pass its member request'
  if (isObject(raw)) return 'register the plugin of portcullis/fastify'
  if (isObject(req)) return 'use protect of portcullis/node, with the members req and res'
  if ('rawHeaders' in value) return 'originalUrl' in value ? 'use protect of portcullis/express' : 'use protect of portcullis/node'
  return 'it has no headers.get; for Node there are portcullis/node, portcullis/express and portcullis/fastify'
}

function envAdvice(value: unknown): string | undefined {
  if (typeof value === 'function') return 'this is a function, as in portcullis/express; pass (request, env, ctx)'
  if (!isObject(value)) return undefined
  if (typeof value['writeHead'] === 'function') return 'this is a response of Node: use protect of portcullis/node or portcullis/express'
  if (typeof value['send'] === 'function' && 'raw' in value) return 'this is a reply of Fastify: register the plugin of portcullis/fastify'
  if (isObject(value['req']) && isObject(value['res'])) return 'this is a context: use protect of portcullis/node, with its members req and res'
  if (typeof value['waitUntil'] === 'function') return 'this is an execution context: in Next use protect of portcullis/next, elsewhere pass (request, env, context)'
  if (isObject(value['params']) && Object.keys(value).length === 1) return 'this is the context of a route: use protect of portcullis/next'
  return undefined
}
