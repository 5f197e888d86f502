// Every framework on its own port, with one protected route and the route for pushes.

import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import connect from 'connect'
import express5 from 'express'
import fastify5 from 'fastify'
import { Hono as Hono4 } from 'hono'
import { Hono as Hono3 } from 'hono3'
import type { AccessOptions } from 'portcullis/edge'
import * as forExpress from 'portcullis/express'
import * as forFastify from 'portcullis/fastify'
import * as forHono from 'portcullis/hono'
import * as forNext from 'portcullis/next'
import * as forNode from 'portcullis/node'

const require = createRequire(import.meta.url)
export const express4 = require('express4') as typeof express5
export const fastify4 = require('fastify4') as typeof fastify5

/** The methods of a gate that adapters call. */
export type AnyGate = Parameters<typeof forHono.receiveFeed>[0]

interface Running {
  readonly url: string
  close(): Promise<void>
}

/** Responds with `{ sub }` of the accepted token at every path and method, and takes pushes at `/push`. */
interface Host {
  readonly name: string
  /** `node` has header lines as received, `web` a Fetch `Headers`. */
  readonly kind: 'node' | 'web'
  start(gate: AnyGate, access?: AccessOptions): Promise<Running>
}

export const HOSTS: readonly Host[] = [
  { name: 'hono 4', kind: 'web', start: (gate, access) => startHono(Hono4, gate, access) },
  { name: 'hono 3', kind: 'web', start: (gate, access) => startHono(Hono3 as unknown as typeof Hono4, gate, access) },
  { name: 'express 5', kind: 'node', start: (gate, access) => startExpress(express5, gate, access) },
  { name: 'express 4', kind: 'node', start: (gate, access) => startExpress(express4, gate, access) },
  { name: 'connect', kind: 'node', start: startConnect },
  { name: 'http', kind: 'node', start: startNode },
  { name: 'fastify 5', kind: 'node', start: (gate, access) => startFastify(fastify5, gate, access) },
  { name: 'fastify 4', kind: 'node', start: (gate, access) => startFastify(fastify4, gate, access) },
  { name: 'next proxy.ts', kind: 'web', start: startNextProxy },
  { name: 'next route.ts', kind: 'web', start: startNextRoute },
]

/** Listens on a free port. */
export async function listen(listener: RequestListener): Promise<Running> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Serves a function from Request to Response, as the hosts of Hono and Next do. */
function listenWeb(answer: (request: Request) => Response | Promise<Response>): Promise<Running> {
  return listen(getRequestListener(answer))
}

function startHono(Hono: typeof Hono4, gate: AnyGate, access?: AccessOptions): Promise<Running> {
  const app = new Hono()
  app.post('/push', forHono.receiveFeed(gate) as never)
  app.use('*', forHono.protect(gate, access) as never)
  app.all('*', (c) => c.json({ sub: (c.get('auth' as never) as forExpress.AuthRequest['auth'])?.claims.sub }))
  return listenWeb((request) => app.fetch(request))
}

function startExpress(express: typeof express5, gate: AnyGate, access?: AccessOptions): Promise<Running> {
  const app = express()
  app.use('/push', forExpress.receiveFeed(gate))
  app.use(forExpress.protect(gate, access))
  app.use(
    (req: forExpress.AuthRequest, res: { json(body: unknown): unknown }) =>
      void res.json({ sub: req.auth?.claims.sub }),
  )
  return listen(app)
}

function startConnect(gate: AnyGate, access?: AccessOptions): Promise<Running> {
  const app = connect()
  app.use('/push', forExpress.receiveFeed(gate))
  app.use(forExpress.protect(gate, access))
  app.use(
    (req, res) =>
      void res
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ sub: (req as forExpress.AuthRequest).auth?.claims.sub })),
  )
  return listen(app)
}

function startNode(gate: AnyGate, access?: AccessOptions): Promise<Running> {
  const push = forNode.receiveFeed(gate)
  const main = forNode.protect(
    gate,
    (req, res) =>
      void res.setHeader('content-type', 'application/json').end(JSON.stringify({ sub: req.auth.claims.sub })),
    access,
  )
  return listen((req, res) => (req.url === '/push' ? push(req, res) : main(req, res)))
}

async function startFastify(fastify: typeof fastify5, gate: AnyGate, access: AccessOptions = {}): Promise<Running> {
  const app = fastify()
  app.post('/push', forFastify.receiveFeed(gate) as never)
  await app.register(forFastify.portcullis as never, { gate, ...access } as never)
  app.all('/*', async (request) => ({ sub: (request as unknown as forExpress.AuthRequest).auth?.claims.sub }))
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return { url, close: () => app.close() }
}

function startNextProxy(gate: AnyGate, access?: AccessOptions): Promise<Running> {
  const push = forNext.receiveFeed(gate)
  const proxy = forNext.protect(gate, access)
  // Next continues to the route if the proxy returns no response.
  return listenWeb(async (request) =>
    new URL(request.url).pathname === '/push'
      ? push(request)
      : ((await proxy(request, { waitUntil() {} })) ?? Response.json({ sub: 'alice' })),
  )
}

function startNextRoute(gate: AnyGate, access?: AccessOptions): Promise<Running> {
  const push = forNext.receiveFeed(gate)
  const route = forNext.protect(gate, (_, { claims }) => Response.json({ sub: claims.sub }), access)
  return listenWeb((request) => (new URL(request.url).pathname === '/push' ? push(request) : route(request, {})))
}
