import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { VERSION } from '../../version.ts'
import { openApiDocument } from './openapi.ts'
import { ROUTES } from './all-routes.ts'
import { openStage } from '../testing/stage.ts'

type Document = {
  openapi: string
  info: { version: string }
  paths: Record<string, Record<string, { operationId: string; responses: Record<string, object> }>>
}

test('the document has exactly the routes', async () => {
  const stage = await openStage()
  try {
    const answer = await stage.get('/openapi.json')
    assert.equal(answer.headers.get('content-type'), 'application/json')
    const { paths, openapi, info } = (await answer.json()) as Document
    assert.match(openapi, /^3\.1\./)
    assert.equal(info.version, VERSION)
    const described = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    )
    assert.deepEqual(described.sort(), ROUTES.map(({ method, path }) => `${method} ${path}`).sort())
    for (const path of Object.keys(paths)) {
      const allowed = (await stage.get(path, { method: 'PATCH' })).headers
        .get('allow')
        ?.split(', ')
        .filter((method) => method !== 'HEAD')
      assert.deepEqual(
        allowed?.sort(),
        Object.keys(paths[path] ?? {})
          .map((method) => method.toUpperCase())
          .sort(),
        path,
      )
    }
    const ids = Object.values(paths).flatMap((item) => Object.values(item).map(({ operationId }) => operationId))
    assert.equal(new Set(ids).size, ids.length)
  } finally {
    await stage.close()
  }
})

test('every operation documents its refusals', () => {
  const { paths } = openApiDocument(ROUTES, { feedCredential: 'secret', metricsCredential: 'secret' }) as Document
  for (const { method, path, access, operation } of ROUTES) {
    const statuses = Object.keys(paths[path]?.[method.toLowerCase()]?.responses ?? {})
    for (const status of ['403', '500', '503']) assert.ok(statuses.includes(status), `${method} ${path}: ${status}`)
    if (access !== 'anybody' || operation.security !== undefined)
      for (const status of ['401', '429']) assert.ok(statuses.includes(status), `${method} ${path}: ${status}`)
  }
})

test("the version equals the package's", () => {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  assert.equal(VERSION, version)
})
