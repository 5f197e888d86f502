// The demo's origin: an issuer and the ledger that revokes its tokens, in one process and one SQLite file.

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JWK } from 'portcullis'
import { createOrigin, generateFeedKey } from 'portcullis/origin'
import { createDevIssuer } from 'portcullis/origin/dev-issuer'
import { serve } from 'portcullis/origin/node'
import { sqliteStore } from 'portcullis/origin/sqlite'
import { DATA_FOLDER, ORIGIN_PORT, REALM } from './settings.ts'

const port = Number(process.env['PORTCULLIS_PORT'] ?? ORIGIN_PORT)
if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error('PORTCULLIS_PORT must be a port, 1 to 65535')
const folder = process.env['PORTCULLIS_DATA'] ?? DATA_FOLDER
const pushUrl = process.env['PORTCULLIS_PUSH_URL'] ?? ''

async function main(): Promise<void> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, 'portcullis.db')
  const issuer = await createDevIssuer({
    path,
    issuer: `http://127.0.0.1:${port}/realms/${REALM}`,
    clients: [
      { id: 'demo' },
      { id: 'backend', secret: 'backend-secret' },
      // Its tokens expire while one watches.
      { id: 'demo-short', accessTokenSeconds: 1 },
    ],
  })
  const origin = await createOrigin({
    store: sqliteStore({ path }),
    realms: [issuer.realm],
    signingKey: await feedKey(),
    edges: pushUrl === '' ? [] : [{ name: 'edge-1', pushUrl }],
  })
  issuer.attach(origin)
  const server = await serve(async (request) => (await issuer.fetch(request)) ?? origin.fetch(request), { port })
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

/** The key that signs the feed: made at the first start, with its public half beside it for the edges. */
async function feedKey(): Promise<JWK> {
  const file = join(folder, 'feed-key.json')
  const kept = await readFile(file, 'utf8').catch(() => undefined)
  if (kept !== undefined) return JSON.parse(kept) as JWK
  const { signingKey, publicKey } = await generateFeedKey()
  await writeFile(join(folder, 'feed-key.public.json'), JSON.stringify(publicKey))
  await writeFile(file, JSON.stringify(signingKey), { mode: 0o600 })
  return signingKey
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})
