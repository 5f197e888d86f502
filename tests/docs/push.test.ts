// Runs the code of the page about push verbatim: its origin and each of its edges, which refuses a token as soon as the
// revocation has its response.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { generateFeedKey } from 'portcullis/origin'
import { Child, freePort } from '../../www/demo/child.ts'
import { Issuer } from '../pack/issuer.ts'
import { blocksOf } from './blocks.ts'
import { PageFolder } from './runner.ts'

const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const SECRET = 'a secret of the test'
/** Serves a worker with the package's own listener. */
const SERVE_WORKER = `
import { serve } from 'portcullis/origin/node'
import worker from './worker.js'
await serve((request) => worker.fetch(request, process.env as never, { waitUntil: () => undefined }), { port: Number(process.env.PORT) })
`

const page = blocksOf('www/docs/push.md').filter(({ language }) => language === 'ts')
let issuer: Issuer

before(async () => {
  issuer = await Issuer.start()
})
after(() => issuer.close())

describe('an edge of the page receives a push, acknowledges it, and refuses at once', { concurrency: 3 }, () => {
  for (const file of ['serve-worker.ts', 'node.ts', 'express.ts', 'fastify.ts', 'hono.ts']) {
    test(file, { timeout: 60_000 }, async () => {
      const folder = await PageFolder.write([
        ...page,
        { ...page[0]!, file: 'serve-worker.ts', given: '', text: SERVE_WORKER },
      ])
      const [originPort, edgePort] = [await freePort(), await freePort()]
      const { signingKey, publicKey } = await generateFeedKey()
      const [originUrl, edgeUrl] = [`http://127.0.0.1:${originPort}`, `http://127.0.0.1:${edgePort}`]
      const shared = { ISSUER: issuer.url, EDGE_SECRET: SECRET, PUSH_URL: `${edgeUrl}/portcullis/feed` }
      const start = (name: string, port: number, environment: Record<string, string>): Child =>
        new Child(
          name,
          process.execPath,
          ['--import', TSX, name],
          { ...shared, ...environment, PORT: String(port) },
          folder.path,
        )
      const origin = start('origin.ts', originPort, { FEED_SIGNING_KEY: JSON.stringify(signingKey) })
      const edge = start(file, edgePort, { ORIGIN: originUrl, FEED_KEY: JSON.stringify(publicKey) })
      try {
        await Promise.all([origin.ready(`${originUrl}/healthz`), edge.ready(edgeUrl)])
        const token = await issuer.token('')
        const ask = async (): Promise<number> =>
          (await fetch(edgeUrl, { headers: { authorization: `Bearer ${token}` } })).status
        assert.equal(await ask(), 200)
        const probe = await fetch(shared.PUSH_URL, { method: 'POST', body: 'nothing' })
        assert.deepEqual([probe.status, await probe.json()], [400, { error: 'feed_refused' }])
        const revoked = await fetch(`${originUrl}/v1/auth/token/revoke?wait=enforced`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ token }),
        })
        // An edge pulls on requests only, and it has no requests here, so only the push can deliver this.
        const { enforced, total } = (await revoked.json()) as { enforced: number; total: number }
        assert.deepEqual([enforced, total], [1, 1])
        assert.equal(await ask(), 401)
      } finally {
        await Promise.all([origin.stop('SIGKILL'), edge.stop('SIGKILL')])
        await folder.remove()
      }
    })
  }
})
