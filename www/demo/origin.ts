// The demo's origin: an issuer and the ledger that revokes its tokens, in one process and one SQLite file.

import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createOrigin } from 'portcullis/origin'
import { createDevIssuer } from 'portcullis/origin/dev-issuer'
import { serve } from 'portcullis/origin/node'
import { sqliteStore } from 'portcullis/origin/sqlite'
import { openPages } from './pages.ts'
import { openSecrets } from './secrets.ts'
import { DATA_FOLDER, DEMO, EDGE_NAME, edgeUrl, INHOUSE_REALM, ORIGIN_PORT, PAGES_FOLDER, REALM } from './settings.ts'

const port = Number(process.env['PORTCULLIS_PORT'] ?? ORIGIN_PORT)
if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error('PORTCULLIS_PORT must be a port, 1 to 65535')
const folder = process.env['PORTCULLIS_DATA'] ?? DATA_FOLDER
const edge = process.env['PORTCULLIS_EDGE_URL'] ?? edgeUrl(DEMO)
const pushUrl = process.env['PORTCULLIS_PUSH_URL'] ?? ''

async function main(): Promise<void> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, 'portcullis.db')
  const { signingKey, edgeSecret, inhouseKey } = await openSecrets(folder)
  const feedKeys = [JSON.parse(await readFile(join(folder, 'feed-key.public.json'), 'utf8')) as unknown]
  const issuerUrl = `http://127.0.0.1:${port}/realms/${REALM}`
  const backend = { id: 'backend', secret: 'backend-secret' }
  const issuer = await createDevIssuer({
    path,
    issuer: issuerUrl,
    clients: [
      { id: 'demo' },
      backend,
      // A browser app: no script can read its refresh token.
      { id: 'demo-browser', refreshTokenIn: 'cookie' },
      // For tests of expiry.
      { id: 'demo-short', accessTokenSeconds: 1 },
      // Its tokens have a longer lifetime than any gate accepts.
      { id: 'demo-long', accessTokenSeconds: 2 * 86_400 },
    ],
  })
  const origin = await createOrigin({
    store: sqliteStore({ path }),
    realms: [
      issuer.realm,
      {
        name: INHOUSE_REALM,
        issuer: REALM,
        issuerClaim: 'realm',
        audience: 'none',
        jwks: { keys: [inhouseKey] },
        issuerSkewSeconds: 0,
      },
    ],
    signingKey,
    clients: [{ id: 'demo' }, { id: 'demo-browser' }, backend],
    edges: [{ name: EDGE_NAME, ackSecret: edgeSecret, ...(pushUrl === '' ? {} : { pushUrl }) }],
  })
  issuer.attach(origin)
  const pages = await openPages(PAGES_FOLDER, { edge, issuer: issuerUrl, realm: REALM, feedKeys })
  const server = await serve(
    async (request, source) => {
      return pages.fetch(request) ?? (await issuer.fetch(request, source)) ?? origin.fetch(request, source)
    },
    { port },
  )
  process.once('SIGTERM', () => {
    void server
      .close()
      .then(() => origin.close())
      .then(() => {
        issuer.close()
        process.exit(0)
      })
  })
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})
