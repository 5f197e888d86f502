// All public names of a120da2's package still exist: subpaths, exported names, options, codes, routes, commands,
// metrics.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { before, test } from 'node:test'
import { missingNames, type PublicNames, readPublicNames } from './fixtures/a120da2/public-names.ts'

let recorded: PublicNames
let today: PublicNames

before(async () => {
  recorded = JSON.parse(
    await readFile(new URL('fixtures/a120da2/public-names.json', import.meta.url), 'utf8'),
  ) as PublicNames
  const folder = dirname(createRequire(import.meta.url).resolve('portcullis/package.json'))
  today = await readPublicNames({ folder, load: (subpath) => import(`portcullis/${subpath}`) })
})

test('the package has every public name that a120da2 had', () => {
  assert.deepEqual(missingNames(recorded, today), [])
})

test('a name that disappears or changes between required and optional is reported', () => {
  const without = (change: (names: PublicNames) => void): string[] => {
    const names = structuredClone(recorded)
    change(names)
    return missingNames(recorded, names)
  }
  const drop = (list: string[] | undefined, name: string): void => {
    const index = list?.indexOf(name) ?? -1
    assert.notEqual(index, -1, name)
    list?.splice(index, 1)
  }
  const route = 'POST /v1/auth/token/revoke'
  const gone: [(names: PublicNames) => void, string][] = [
    [({ exports }) => delete exports['./origin/memory'], 'exports: ./origin/memory'],
    [({ values }) => drop(values['./edge'], 'createGate'), 'values: ./edge: createGate'],
    [({ values }) => drop(values['.'], 'ERROR_CODES=closed'), 'values: .: ERROR_CODES=closed'],
    [({ types }) => delete types['./origin Recorded'], 'types: ./origin Recorded'],
    [({ types }) => drop(types['./edge GateOptions'], 'skewSeconds?'), 'types: ./edge GateOptions: skewSeconds?'],
    [
      ({ types }) => types['./edge FeedOptions']?.splice(types['./edge FeedOptions'].indexOf('mode?'), 1, 'mode'),
      'types: ./edge FeedOptions: mode?',
    ],
    [({ types }) => drop(types['./edge/load Reason'], '=expired'), 'types: ./edge/load Reason: =expired'],
    [({ routes }) => delete routes[route], `routes: ${route}`],
    [({ routes }) => drop(routes[route], 'query wait'), `routes: ${route}: query wait`],
    [
      ({ commands }) => drop(commands['portcullis restore'], '--incarnation'),
      'commands: portcullis restore: --incarnation',
    ],
    [({ configuration }) => drop(configuration, 'edges[].pushUrl'), 'configuration: edges[].pushUrl'],
    [({ metrics }) => drop(metrics, 'portcullis_edge_lag gauge'), 'metrics: portcullis_edge_lag gauge'],
  ]
  for (const [change, message] of gone) assert.deepEqual(without(change), [message])
})
