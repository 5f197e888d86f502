import assert from 'node:assert/strict'
import { test } from 'node:test'

// Hosts without Node's Buffer decode in another way; both must read the same.
const host = globalThis as { Buffer?: typeof Buffer | undefined }
const { Buffer: buffer } = host
const withBuffer = await import('./tokenpart.ts')
delete host.Buffer
// A query makes the loader give a second instance of the module.
const withoutBuffer: typeof withBuffer = await import(`./tokenpart.ts?${'without-buffer'}`)
host.Buffer = buffer

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

for (const [name, module] of [['with Buffer', withBuffer], ['without', withoutBuffer]] as const) {
  test(`reads header and claims ${name}`, () => {
    for (const value of [{ sub: 'Zoë – 日本 🗝', 'a?>': '~~~???', nested: { list: [1.5, null, true] } }, { alg: 'ES256', kid: 'ключ' }]) {
      assert.deepEqual(module.readPart(part(value)), value)
    }
    assert.equal(module.claimedKeyId(`${part({ alg: 'ES256', kid: 'ключ' })}.x.y`), 'ключ')
  })

  test(`a key id is whatever can be read of it, ${name}`, () => {
    const headers = ['', '.', '*', 'e30', 'ÿÿ', '{', ...['text', null, [], {}, { kid: 7 }, { kid: null }].map(part)]
    for (const header of headers) assert.equal(module.claimedKeyId(header), '', header)
  })

  test(`a member called __proto__ is a claim like any other, ${name}`, () => {
    const claims = module.readPart(Buffer.from('{"__proto__":{"admin":true},"sub":"a"}').toString('base64url'))
    assert.equal(Object.getPrototypeOf(claims), Object.prototype)
    assert.equal((claims as { admin?: unknown }).admin, undefined)
  })
}
