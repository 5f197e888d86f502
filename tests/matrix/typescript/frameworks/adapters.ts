// Adapters, with the types of their frameworks.

import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import type { Claims, Gate } from 'portcullis/edge'
import { protect as protectExpress, type AuthRequest } from 'portcullis/express'
import portcullis from 'portcullis/fastify'
import { protect as protectHono } from 'portcullis/hono'

interface Tenant extends Claims {
  tenant: string
}

declare const gate: Gate<{ ORIGIN: string }>

export const hono = new Hono().use(protectHono<Tenant>(gate, { scope: ['read'] })).get('/', (c) => {
  // @ts-expect-error the claim is a string
  const wrong: number = c.get('auth').claims.tenant
  return c.text(c.get('auth').claims.tenant + String(wrong))
})

export const app = express()
app.use(protectExpress<Tenant>(gate))
app.get('/', (request: AuthRequest<Tenant>, response) => {
  // @ts-expect-error the claim is a string
  const wrong: number | undefined = request.auth?.claims.tenant
  response.json({ wrong })
})

export const server = fastify()
server.register(portcullis, { gate, scope: ['read'] })
server.get('/', { config: { portcullis: false } }, (request) => request.auth?.claims.sub)
server.get('/own', { onRequest: server.protect({ scope: ['write'] }) }, (request) => request.auth?.claims.sub)
