import { within } from '../../timing/deadline.ts'
import { PortcullisError } from '../../errors.ts'
import type { Context } from './context.ts'
import type { ReadableBy } from '../../http/cors.ts'
import type { AnsweredRequest, RequestSource } from '../api.ts'
import { knownMethod } from './request-log.ts'
import { Problem, problemFor, problemResponse } from './problem.ts'
import type { Route } from './route.ts'
import { createRouter, type Resource, type Router } from './router.ts'
import { requireHttps } from './require-https.ts'

interface RequestHandlerOptions {
  context: Context
  routes: readonly Route[]
  closing: () => boolean
  /** Reports an unexpected error; the client gets only a bare 500. */
  onFault: (cause: unknown, message: string) => void
}

/** The outcome of one request. */
interface Outcome {
  response: Response
  resource?: Resource
  /** The error of the response. */
  error?: string
}

/** Responds to requests. */
interface RequestHandler {
  /** Checks a request's transport, finds its route, responds, counts and logs. Never rejects. */
  respond(request: Request, source: RequestSource): Promise<Response>
  /** Resolves when every request in progress has its response, at the latest after `timeoutMs`. */
  idle(timeoutMs: number): Promise<void>
}

export function createRequestHandler(options: RequestHandlerOptions): RequestHandler {
  const router = createRouter(options.context, options.routes)
  const underWay = new Set<Promise<Response>>()
  return {
    respond(request, source) {
      const response = respond(options, router, request, source).finally(() => underWay.delete(response))
      underWay.add(response)
      return response
    },
    async idle(timeoutMs) {
      await within(Promise.allSettled(underWay), timeoutMs)
    },
  }
}

async function respond(
  options: RequestHandlerOptions,
  router: Router,
  request: Request,
  source: RequestSource,
): Promise<Response> {
  const { context, onFault } = options
  const { cors, metrics, settings } = context
  const began = performance.now()
  const by = cors.readableBy(request)
  const { response, resource, error } = await outcomeOf(options, router, request, source, by)
  const line: AnsweredRequest = {
    time: new Date().toISOString(),
    method: knownMethod(request.method),
    status: response.status,
    milliseconds: Math.round((performance.now() - began) * 1000) / 1000,
    ...(resource === undefined ? {} : { route: resource.path }),
    ...(resource?.realm === undefined ? {} : { realm: resource.realm }),
    ...(error === undefined ? {} : { error }),
  }
  metrics.responded({ method: line.method, route: line.route ?? 'none', status: line.status, error })
  try {
    settings.onRequest(line)
  } catch (cause) {
    onFault(cause, 'onRequest threw')
  }
  return cors.share(response, await by)
}

async function outcomeOf(
  { context, closing, onFault }: RequestHandlerOptions,
  router: Router,
  request: Request,
  source: RequestSource,
  by: ReadableBy | Promise<ReadableBy>,
): Promise<Outcome> {
  let resource: Resource | undefined
  try {
    if (closing()) throw closed()
    requireHttps(request, source, context.settings.plainHttp)
    resource = router(new URL(request.url))
    if (resource === undefined) throw new Problem(404, 'not_found')
    const response =
      (await context.cors.preflight(request, by, resource.methods)) ?? (await resource.respond(request, source))
    return { response, resource }
  } catch (cause) {
    // A request in progress when the origin closed may have found its ledger gone.
    const problem =
      problemFor(cause) ?? (closing() ? problemFor(closed()) : undefined) ?? new Problem(500, 'server_error')
    if (problem.status === 500 && problemFor(cause) === undefined) onFault(cause, 'a request failed')
    return { response: problemResponse(problem), error: problem.error, ...(resource === undefined ? {} : { resource }) }
  }
}

function closed(): PortcullisError {
  return new PortcullisError('closed', 'the origin is closed')
}
