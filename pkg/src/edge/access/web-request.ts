import { PortcullisError } from '../../errors.ts'
import { isObject } from '../../options.ts'

/** Throws `wrong_request`, naming the adapter, unless the argument is a Web request. */
export function mustBeRequest(request: unknown): void {
  if (!isWeb(request)) throw wrong('the request is not a Web Request', requestAdvice(request))
}

/** Throws `wrong_request`, naming the adapter, for arguments that frameworks pass in place of a worker's `env`. */
export function mustBeEnv(env: unknown): void {
  const advice = envAdvice(env)
  if (advice !== undefined) throw wrong('the second argument is not an env', advice)
}

function wrong(what: string, advice: string): PortcullisError {
  return new PortcullisError('wrong_request', `${what}: ${advice}`)
}

function isWeb(value: unknown): boolean {
  return typeof (value as { headers?: { get?: unknown } } | null | undefined)?.headers?.get === 'function'
}

function requestAdvice(value: unknown): string {
  if (!isObject(value)) return 'pass the request; gate.check takes a token'
  const { raw, req, request } = value
  if (isWeb(raw) || (isObject(req) && isWeb(req['raw']))) return 'use portcullis/hono, or pass c.req.raw'
  if (isWeb(request)) return 'pass its member request'
  if (isObject(raw)) return 'use portcullis/fastify'
  if ('rawHeaders' in value && 'originalUrl' in value) return 'use portcullis/express'
  if ('rawHeaders' in value || isObject(req)) return 'use portcullis/node, on req and res'
  return 'use portcullis/node, /express or /fastify for a request of Node'
}

function envAdvice(value: unknown): string | undefined {
  if (typeof value === 'function') return 'it is a function; use portcullis/express for middleware'
  if (!isObject(value)) return undefined
  if (isFunction(value, 'writeHead') || isObject(value['req']))
    return 'use portcullis/node or portcullis/express, on req and res'
  if (isFunction(value, 'send') && 'raw' in value) return 'use portcullis/fastify'
  if (isFunction(value, 'waitUntil')) return 'use portcullis/next, or pass the context third: (request, env, context)'
  if (isObject(value['params']) && Object.keys(value).length === 1) return 'use portcullis/next'
  return undefined
}

function isFunction(value: Record<string, unknown>, member: string): boolean {
  return typeof value[member] === 'function'
}
