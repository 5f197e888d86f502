// Type-checks a user's project with one copy of every framework: the adapters' additions are typed and conflict with no
// other package.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createRequire } from 'node:module'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

const HERE = fileURLToPath(new URL('../node_modules', import.meta.url))
const PKG = fileURLToPath(new URL('../../pkg', import.meta.url))
const TSC = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')

const OPTIONS = {
  module: 'nodenext',
  moduleResolution: 'nodenext',
  target: 'es2022',
  lib: ['es2023', 'dom'],
  types: ['node'],
  strict: true,
  noEmit: true,
  preserveSymlinks: true,
  skipLibCheck: true,
}

const GATE = `
  import { createGate, type Accepted, type Claims } from 'portcullis/edge'
  interface Bindings { tenant: string }
  const gate = createGate((env: Bindings) => ({ realms: [] }))
  interface Mine extends Claims { tenant: string }
  const show = (text: string): string => text
`

const PROGRAMS = {
  'hono, chained, with claims of its own': `
    import { Hono } from 'hono'
    import { protect } from 'portcullis/hono'
    new Hono<{ Bindings: Bindings }>()
      .use(protect<Mine>(gate, { scope: ['read'] }))
      .get('/', (c) => c.text(show(c.get('auth').claims.tenant) + show(c.var.auth.realm)))
  `,
  'hono, app by app': `
    import { Hono } from 'hono'
    import { protect, receiveFeed } from 'portcullis/hono'
    const app = new Hono<{ Bindings: Bindings }>()
    app.use(protect(gate))
    app.post('/push', receiveFeed(gate))
    app.get('/', (c) => c.text(show(c.get('auth').realm)))
    // @ts-expect-error An unknown claim is not a string.
    app.get('/tenant', (c) => c.text(show(c.get('auth').claims['tenant'])))
  `,
  express: `
    import express from 'express'
    import { type AuthRequest, protect, receiveFeed } from 'portcullis/express'
    const app = express()
    app.post('/push', receiveFeed(gate))
    app.use(protect(gate, { roles: ['admin'] }))
    app.get('/:id', protect<Mine>(gate, { authorize: ({ claims }) => claims.tenant === 'a' }), (req: AuthRequest<Mine>, res) => {
      res.json({ id: req.params['id'], sub: req.auth?.claims.sub, tenant: show(req.auth!.claims.tenant) })
    })
    app.get('/me', protect<Mine>(gate, (req, res) => res.json(show(req.auth.claims.tenant) + req.params['id']), { scope: ['read'] }))
    // @ts-expect-error The gate is missing.
    app.use(protect())
    // @ts-expect-error An option that does not exist.
    app.use(protect(gate, { scopes: ['read'] }))
  `,
  connect: `
    import connect from 'connect'
    import { createServer, type IncomingMessage } from 'node:http'
    import { type AuthRequest, protect } from 'portcullis/express'
    const app = connect()
    app.use(protect(gate))
    app.use((req, res) => res.end(show((req as AuthRequest<Claims, IncomingMessage>).auth!.realm)))
    createServer(app)
  `,
  'http and http2': `
    import { createServer, type IncomingMessage } from 'node:http'
    import { createServer as createHttp2, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
    import { protect, receiveFeed, requestLike } from 'portcullis/node'
    createServer(protect(gate, (req, res) => res.end(show(req.auth.realm) + req.url)))
    createServer(protect<Mine>(gate, async (req, res) => void res.end(show(req.auth.claims.tenant)), { scope: ['read'] }))
    createServer(receiveFeed(gate))
    createHttp2(protect(gate, (req: Http2ServerRequest & { auth: Accepted }, res: Http2ServerResponse) => res.end(req.auth.realm)))
    export const verdict = (request: IncomingMessage) => gate.authenticate(requestLike(request))
    // @ts-expect-error Middleware is not a listener: the handler is missing.
    createServer(protect(gate))
  `,
  fastify: `
    import fastify from 'fastify'
    import portcullis, { receiveFeed } from 'portcullis/fastify'
    const app = fastify()
    await app.register(portcullis, { gate, scope: ['read'], routes: 'all' })
    app.get('/', async (request) => show(request.auth!.realm))
    app.get('/tenant', async (request) => show(request.getDecorator<Accepted<Mine>>('auth').claims.tenant))
    app.get('/health', { config: { portcullis: false } }, async () => 'ok')
    app.get('/write', { onRequest: app.protect({ scope: ['write'] }) }, async () => 'ok')
    app.post('/push', receiveFeed(gate))
    // @ts-expect-error It may be null where no token is needed.
    app.get('/null', async (request) => show(request.auth.realm))
    // @ts-expect-error An option that does not exist.
    await app.register(portcullis, { gate, scopes: ['read'] })
  `,
  next: `
    import { protect, receiveFeed } from 'portcullis/next'
    interface NextRequest extends Request { nextUrl: URL }
    export const proxy: (request: NextRequest, event: { waitUntil(promise: Promise<unknown>): void }) => Promise<Response | undefined> = protect(gate)
    export const GET = protect<Mine>(gate, (request, auth) => Response.json(show(auth.claims.tenant)), { scope: ['read'] })
    export const PUT = protect(gate, async (request: NextRequest, auth, { params }: { params: Promise<{ id: string }> }) =>
      new Response(show(auth.realm) + show((await params).id) + request.nextUrl.href))
    export const handled: (request: NextRequest, context: { params: Promise<{ id: string }> }) => Promise<Response> = PUT
    export const POST: (request: NextRequest) => Promise<Response> = receiveFeed(gate)
  `,
} as const

/** Programs that also use packages which declare `req.auth`, as during a migration. */
const BESIDE_OTHERS = {
  express: `
    import express from 'express'
    import { auth } from 'express-oauth2-jwt-bearer'
    import { expressjwt } from 'express-jwt'
    import { protect } from 'portcullis/express'
    const app = express()
    app.use('/old', auth(), (req, res) => { res.json(show(req.auth!.token)) })
    app.use('/older', expressjwt({ secret: '', algorithms: ['HS256'] }))
    app.get('/new', protect(gate, (req, res) => res.json(show(req.auth.realm))))
    app.use('/newer', protect(gate))
  `,
}

test('additions of the adapters are typed without declarations of the user, and strictly', {
  timeout: 120_000,
}, (t) => {
  assert.equal(problems(t, PROGRAMS, OPTIONS), '')
})

test('no conflict with packages that declare req.auth themselves, with all declarations checked', {
  timeout: 120_000,
}, (t) => {
  assert.equal(problems(t, BESIDE_OTHERS, { ...OPTIONS, skipLibCheck: false }), '')
})

/** Returns the compiler's output for these programs. */
function problems(t: TestContext, programs: Readonly<Record<string, string>>, compilerOptions: object): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-types-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const modules = join(folder, 'node_modules')
  mkdirSync(join(modules, 'portcullis'), { recursive: true })
  // Links the package without its own dependencies: a user has each framework once.
  for (const part of ['dist', 'package.json']) symlinkSync(join(PKG, part), join(modules, 'portcullis', part))
  for (const name of readdirSync(HERE))
    if (name !== 'portcullis' && !name.startsWith('.')) symlinkSync(join(HERE, name), join(modules, name))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
  for (const [index, program] of Object.values(programs).entries())
    writeFileSync(join(folder, `program-${index}.ts`), `${GATE}${program}\nexport {}\n`)
  try {
    return execFileSync(process.execPath, [TSC, '-p', folder], { encoding: 'utf8' })
  } catch (error) {
    return (error as { stdout: string }).stdout
  }
}
