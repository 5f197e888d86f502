import type { FastifyInstance, FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import type { Accepted, AccessOptions, Claims } from '../types.ts'
import { adapterError } from './errors.ts'
import { type AnyGate, mustBeGate } from './gate-argument.ts'
import { drain, pushOf, requestLike } from './incoming.ts'

/** The routes of the scope that require a token: all of them, or those with the hook of `app.protect`. */
export type ProtectedRoutes = 'all' | 'chosen'

export interface PortcullisOptions<C extends Claims = Claims> extends AccessOptions<C> {
  gate: AnyGate
  /** Default `all`, including routes declared earlier and the 404 handler. */
  routes?: ProtectedRoutes
}

/** An `onRequest` hook that passes accepted requests on. */
export type OnRequest = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

declare module 'fastify' {
  interface FastifyRequest {
    /** The verdict on the request; `null` on a route that does not require a token. */
    auth: Accepted | null
  }
  interface FastifyInstance {
    /** Returns the hook for a route with its own access options: `{ onRequest: app.protect({ scope: ['write'] }) }`. */
    protect<C extends Claims = Claims>(options?: AccessOptions<C>): OnRequest
  }
  interface FastifyContextConfig {
    /** `false`: the route does not require a token, although its scope does. */
    portcullis?: false
  }
}

/**
 * The plugin: `app.register(portcullis, { gate })`. It protects the scope in which it is registered. The verdict is in
 * `request.auth`, the `onRequest` hook sends refusals (RFC 6750 §3), and errors are passed to Fastify's error handler.
 * An invalid option makes the registration fail.
 */
export const portcullis: FastifyPluginCallback<PortcullisOptions> = (app, options, done) => {
  try {
    register(app, options)
    done()
  } catch (error) {
    done(error as Error)
  }
}

export default portcullis

/**
 * Returns route options for the origin's pushes: `app.post('/portcullis/feed', receiveFeed(gate))`. Throws
 * `invalid_option` immediately.
 */
export function receiveFeed(gate: AnyGate): {
  config: { portcullis: false }
  onRequest: OnRequest
  handler: () => void
} {
  mustBeGate(gate, 'receiveFeed')
  return {
    // A push has its own credential.
    config: { portcullis: false },
    // Runs before a parser reads the body or rejects its type.
    async onRequest({ raw }, reply) {
      await send(await gate.receiveFeed(pushOf(raw)), reply)
      drain(raw)
      return reply
    },
    handler() {},
  }
}

function register(app: FastifyInstance, options: PortcullisOptions): void {
  const { gate, routes = 'all', ...access } = merged(options)
  mustBeGate(gate, 'portcullis')
  const hook = hookOf(gate, access)
  const protect: FastifyInstance['protect'] = (options) => hookOf(gate, merged(access, options as AccessOptions))
  hooks.add(protect)
  // The plugin was registered again, in this scope or a nested one: the last gate wins.
  if (app.hasDecorator('protect') && hooks.has(app.protect)) app.protect = protect
  else app.decorateRequest('auth', null).decorate('protect', protect)
  switch (routes) {
    case 'all':
      app.addHook('onRequest', async (request, reply) => {
        const { config } = request.routeOptions
        // Early releases of Fastify 4 have the configuration here; later ones warn about the access.
        return isExcluded(config ?? (request as { routeConfig?: typeof config }).routeConfig)
          ? undefined
          : hook(request, reply)
      })
      return
    case 'chosen':
      return
  }
  throw adapterError('invalid_option', "options.routes must be 'all' or 'chosen'")
}

/** Merges options as if each were written once: inherited ones count, and `undefined` overrides nothing. */
function merged<T extends object>(...given: (T | undefined)[]): T {
  const all: Record<string, unknown> = {}
  for (const options of given) for (const name in options) if (options[name] !== undefined) all[name] = options[name]
  return all as T
}

/** The functions assigned to `app.protect`, to distinguish them from another plugin's. */
const hooks = new WeakSet<object>()

function hookOf(gate: AnyGate, access: AccessOptions): OnRequest {
  const authenticate = gate.authenticator(access)
  return async (request, reply) => {
    const verdict = await authenticate(requestLike(request.raw))
    if (!verdict.ok) return send(gate.challenge(verdict), reply)
    request.auth = verdict
    return undefined
  }
}

/**
 * Returns whether a route is excluded. Throws `invalid_option` for access options in its configuration, which would be
 * ignored.
 */
function isExcluded(config: { portcullis?: unknown } | undefined): boolean {
  const given = config?.portcullis
  if (given) throw adapterError('invalid_option', 'config.portcullis must be false: use app.protect')
  return given === false
}

/** Sends bytes, since Fastify adds a charset to the content type of a string. */
async function send(response: Response, reply: FastifyReply): Promise<FastifyReply> {
  const body = Buffer.from(await response.arrayBuffer())
  return reply.sent ? reply : reply.code(response.status).headers(Object.fromEntries(response.headers)).send(body)
}

// Set as by the package fastify-plugin: hooks apply to the scope that registers the plugin, and Fastify checks its own
// version.
Object.assign(portcullis, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'portcullis',
  [Symbol.for('plugin-meta')]: { name: 'portcullis', fastify: '>=4.10.0' },
})
