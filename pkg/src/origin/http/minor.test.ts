// The minor version in the query of a reader's requests.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { NEWEST_MINOR } from '../core/minor.ts'
import { openStage, type Stage } from '../testing/stage.ts'
import { ROUTES } from './all-routes.ts'
import { MINOR_PARAMETER } from './minor.ts'

let stage: Stage
before(async () => {
  stage = await openStage({ edges: [{ name: 'edge-1', ackSecret: 'secret-1' }] })
  await stage.origin.logoutUser('acme', 'alice')
})
after(() => stage.close())

const FEED = ROUTES.filter(({ path }) => path.startsWith('/feed/'))

/** The offset of the minor version in a statement. */
const MINOR_AT = 5

function ask(path: string, query: string): Promise<Response> {
  const at = path.replace('{realm}', 'acme').replace('{sha256}', '0'.repeat(64))
  const route = FEED.find((each) => each.path === path)
  const { sequence, chain } = stage.origin.status()[0] ?? { sequence: 0, chain: '' }
  if (path.endsWith('/acks'))
    return stage.post(`${at}?${query}`, { edge: 'edge-1', sequence, chain }, { authorization: 'Bearer secret-1' })
  return stage.get(`${at}?${path.endsWith('/deltas') ? 'after=0&' : ''}${query}`, { method: route?.method ?? 'GET' })
}

test('every feed request declares it in the query only', () => {
  assert.deepEqual(
    FEED.map(({ path }) => path).toSorted(),
    ['acks', 'deltas', 'look', 'manifest', 'sections/{sha256}', 'stream'].map((each) => `/feed/{realm}/${each}`),
  )
  for (const { path, operation } of FEED) assert.equal(operation.query?.['minor'], MINOR_PARAMETER['minor'], path)
})

test('every route refuses an invalid minor version', async () => {
  for (const { path } of FEED) {
    for (const value of [
      'x',
      '-1',
      '1.5',
      '',
      '%20',
      '1e0',
      '0x1',
      'NaN',
      '99999999999999999999',
      '0&minor=1',
      '1&minor=1',
    ]) {
      const response = await ask(path, `minor=${value}`)
      const { error } = (await response.json()) as { error: string }
      assert.deepEqual([response.status, error], [400, 'invalid_request'], `${path} minor=${value}`)
    }
  }
})

test('every route accepts any later minor version', async () => {
  for (const { path } of FEED) {
    for (const query of ['', 'minor=0', 'minor=1', 'minor=99', `minor=${Number.MAX_SAFE_INTEGER}`]) {
      const response = await ask(path, query)
      await response.body?.cancel()
      assert.notEqual(response.status, 400, `${path} ${query}`)
    }
  }
})

test('a reader gets its own form, and a later reader the newest', async () => {
  const expected = [
    ['', 0],
    ['minor=0', 0],
    ['minor=1', 1],
    ['minor=2', 1],
    ['minor=99', 1],
    ['minor=256', 1],
    ['minor=65536', 1],
  ] as const
  for (const [query, minor] of expected) {
    for (const path of ['manifest', 'deltas']) {
      const bytes = new Uint8Array(await (await ask(`/feed/{realm}/${path}`, query)).arrayBuffer())
      assert.equal(bytes[MINOR_AT], minor, `${path} ${query}`)
    }
    const { value } = (await (await ask('/feed/{realm}/stream', query)).body?.getReader().read()) ?? {}
    const data = /^data: (.*)$/m.exec(new TextDecoder().decode(value))?.[1] ?? ''
    assert.equal(Buffer.from(data, 'base64')[MINOR_AT], minor, `stream ${query}`)
  }
  assert.equal(NEWEST_MINOR, Math.max(...expected.map(([, minor]) => minor)))
})
