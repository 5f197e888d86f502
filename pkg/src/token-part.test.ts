import assert from 'node:assert/strict'
import { test } from 'node:test'

type Decode = (text: string, options: { alphabet: string }) => Uint8Array

// Hosts decode in three ways; all must read the same.
const host = globalThis as { Buffer?: typeof Buffer | undefined }
const engine = Uint8Array as { fromBase64?: Decode }
const { Buffer: buffer } = host
const { fromBase64 = (text) => new Uint8Array(Buffer.from(text, 'base64url')) } = engine
// A query makes the loader create another instance of the module.
engine.fromBase64 = fromBase64
const withEngine: typeof withBuffer = await import(`./token-part.ts?${'with-engine'}`)
delete engine.fromBase64
const withBuffer = await import('./token-part.ts')
// Hidden from that instance only: the loader needs it to load the file.
const isAskedByModule = () => String(new Error().stack).includes('token-part.ts:')
Object.defineProperty(host, 'Buffer', { configurable: true, get: () => (isAskedByModule() ? undefined : buffer) })
const withNeither: typeof withBuffer = await import(`./token-part.ts?${'with-neither'}`)
Object.defineProperty(host, 'Buffer', { configurable: true, writable: true, value: buffer })

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

for (const [name, module] of [
  ['by the engine', withEngine],
  ['with Buffer', withBuffer],
  ['without either', withNeither],
] as const) {
  test(`reads header and claims ${name}`, () => {
    for (const value of [
      { sub: 'Zoë – 日本 🗝', 'a?>': '~~~???', nested: { list: [1.5, null, true] } },
      { alg: 'ES256', kid: 'ключ' },
    ]) {
      assert.deepEqual(module.readPart(part(value)), value)
    }
    assert.equal(module.claimedKeyId(`${part({ alg: 'ES256', kid: 'ключ' })}.x.y`), 'ключ')
  })

  test(`a key id is read if possible, else empty, ${name}`, () => {
    const headers = ['', '.', '*', 'e30', 'ÿÿ', '{', ...['text', null, [], {}, { kid: 7 }, { kid: null }].map(part)]
    for (const header of headers) assert.equal(module.claimedKeyId(header), '', header)
  })

  test(`a member called __proto__ is a claim like any other, ${name}`, () => {
    const claims = module.readPart(Buffer.from('{"__proto__":{"admin":true},"sub":"a"}').toString('base64url'))
    assert.equal(Object.getPrototypeOf(claims), Object.prototype)
    assert.equal((claims as { admin?: unknown }).admin, undefined)
  })
}
