import assert from 'node:assert/strict'
import { test } from 'node:test'

// Hosts without Node's Buffer decode in another way; both must read the same.
const host = globalThis as { Buffer?: typeof Buffer | undefined }
const { Buffer: buffer } = host
const withBuffer = await import('./verdict.ts')
delete host.Buffer
// A query makes the loader give a second instance of the module.
const withoutBuffer: typeof withBuffer = await import(`./verdict.ts?${'without-buffer'}`)
host.Buffer = buffer

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const realm = { name: 'acme', state: { sequence: 7 } } as Parameters<typeof withBuffer.verdictOf>[1]
const accepted = { reason: undefined, realm: 0, behind: false }

for (const [name, module] of [['with Buffer', withBuffer], ['without', withoutBuffer]] as const) {
  test(`reads header and claims ${name}`, () => {
    const claims = { sub: 'Zoë – 日本 🗝', 'a?>': '~~~???', nested: { list: [1.5, null, true] } }
    const header = { alg: 'ES256', kid: 'ключ' }
    const token = `${part(header)}.${part(claims)}.sig`
    assert.deepEqual(module.verdictOf(accepted, realm, token), { ok: true, claims, header, realm: 'acme', sequence: 7 })
    assert.equal(module.claimedKeyId(token), 'ключ')
  })

  test(`a key id is whatever can be read of it, ${name}`, () => {
    for (const header of ['', '.', '*', part('text'), part(null), part([]), part({}), part({ kid: 7 }), part({ kid: null }), 'e30', 'ÿÿ', '{']) {
      assert.equal(module.claimedKeyId(header), '', header)
    }
  })
}

test('a member called __proto__ is a claim like any other', () => {
  const token = `${part({ alg: 'none' })}.${Buffer.from('{"__proto__":{"admin":true},"sub":"a"}').toString('base64url')}.x`
  const verdict = withBuffer.verdictOf(accepted, realm, token)
  assert.ok(verdict.ok)
  assert.equal(Object.getPrototypeOf(verdict.claims), Object.prototype)
  assert.equal(verdict.claims['admin'], undefined)
})
