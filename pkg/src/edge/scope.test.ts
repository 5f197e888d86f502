import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { isScopeToken } from '../http/bearer.ts'
import { createGate } from '../entry/edge/node.ts'
import { grantsScopes } from './scope.ts'
import { TestRealm } from './testing/realm.ts'

interface Case {
  comment: string
  claim: unknown
  grants: string[][]
  lacks: string[][]
}

/** The core's test reads them too. */
const vectors = readFileSync(new URL('../../../tests/vectors/scopes.json', import.meta.url), 'utf8')
const { cases } = JSON.parse(vectors) as { cases: Case[] }

test('a scope claim grants the scopes of the vectors', () => {
  for (const { comment, claim, grants, lacks } of cases) {
    for (const needed of grants) assert.equal(grantsScopes(claim, needed), true, `${comment}: ${needed.join()}`)
    for (const needed of lacks) assert.equal(grantsScopes(claim, needed), false, `${comment}: ${needed.join()}`)
  }
})

test("so does a gate's check", async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  for (const { comment, claim, grants, lacks } of cases) {
    const headers = { authorization: `Bearer ${await realm.token({ scope: claim })}` }
    const request = new Request('http://edge.example/', { headers })
    for (const [lists, expected] of [
      [grants, undefined],
      [lacks, 'insufficient_scope'],
    ] as const) {
      for (const scope of lists.filter((needed) => needed.every(isScopeToken))) {
        const verdict = await gate.authenticate(request, { scope })
        assert.equal(verdict.ok ? undefined : verdict.reason, expected, `${comment}: ${scope.join()}`)
      }
    }
  }
})
