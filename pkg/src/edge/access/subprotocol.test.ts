// The token among the subprotocols that a WebSocket offers, and a response that does not repeat it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { subprotocolToken, withoutSubprotocol } from './subprotocol.ts'

const TOKEN = 'aaa.bbb.ccc'

const cases: [string, string | null, string | 'nothing' | 'several'][] = [
  ['no header', null, 'nothing'],
  ['other protocols', 'chat, superchat', 'nothing'],
  ['the next member', `auth, ${TOKEN}`, TOKEN],
  ['among others', `chat, auth, ${TOKEN}, superchat`, TOKEN],
  ['joined to the name', `chat, auth.${TOKEN}`, TOKEN],
  ['empty members', `,, auth ,, \t${TOKEN}\t,,`, TOKEN],
  ['no blanks', `auth,${TOKEN}`, TOKEN],
  ['a name that goes on', `author, ${TOKEN}`, 'nothing'],
  ['a name in another case', `Auth, ${TOKEN}`, 'nothing'],
  ['the name last', 'chat, auth', ''],
  ['the name and a dot', 'auth.', ''],
  ['the name twice', `auth, auth, ${TOKEN}`, 'several'],
  ['two tokens', `auth, ${TOKEN}, auth, x.y.z`, 'several'],
  ['both forms', `auth, ${TOKEN}, auth.x.y.z`, 'several'],
  ['both forms, joined first', `auth.x.y.z, auth, ${TOKEN}`, 'several'],
  ['the joined form twice', `auth.${TOKEN}, auth.${TOKEN}`, 'several'],
  ['the name, then the joined form', `auth, auth.${TOKEN}`, 'several'],
]
for (const [name, offered, expected] of cases) {
  test(`the token among subprotocols: ${name}`, () => {
    const found = subprotocolToken(offered, 'auth')
    assert.deepEqual(
      found,
      expected === 'nothing' || expected === 'several' ? { kind: expected } : { kind: 'token', token: expected },
    )
  })
}

/** Returns the subprotocol of a response after the token's was removed. */
function kept(chosen: string, offered: string): string | null {
  const request = new Request('https://edge.example/', { headers: { 'sec-websocket-protocol': offered } })
  const response = new Response('body', { headers: { 'sec-websocket-protocol': chosen, 'x-other': '1' } })
  const left = withoutSubprotocol(response, request, 'auth')
  assert.equal(left, response, 'the same response')
  assert.equal(left.headers.get('x-other'), '1')
  return left.headers.get('sec-websocket-protocol')
}

test("chooses the application's protocol, and neither the token nor its name", () => {
  assert.equal(kept('chat', `chat, auth, ${TOKEN}`), 'chat')
  assert.equal(kept('auth', `auth, ${TOKEN}`), null)
  assert.equal(kept(TOKEN, `auth, ${TOKEN}`), null)
  assert.equal(kept(`auth.${TOKEN}`, `auth.${TOKEN}`), null)
  assert.equal(kept(`auth, ${TOKEN}`, `auth, ${TOKEN}`), null)
  assert.equal(kept(`chat,auth,${TOKEN}`, `chat, auth, ${TOKEN}`), 'chat')
  assert.equal(kept('author', 'author'), 'author')
})

test('a response with immutable headers is copied', async () => {
  const request = new Request('https://edge.example/', {
    headers: { 'sec-websocket-protocol': `chat, auth, ${TOKEN}` },
  })
  for (const [chosen, left] of [
    ['auth', null],
    [`chat, ${TOKEN}`, 'chat'],
  ] as const) {
    const response = new Response('body', {
      status: 201,
      headers: { 'sec-websocket-protocol': chosen, 'x-other': '1' },
    })
    const immutable = () => {
      throw new TypeError('immutable')
    }
    Object.defineProperties(response.headers, { set: { value: immutable }, delete: { value: immutable } })
    const copy = withoutSubprotocol(response, request, 'auth')
    assert.deepEqual(
      [copy?.status, copy?.headers.get('x-other'), copy?.headers.get('sec-websocket-protocol')],
      [201, '1', left],
    )
    assert.equal(await copy?.text(), 'body')
  }
})

test('has no response if no copy can be made', () => {
  const request = new Request('https://edge.example/', { headers: { 'sec-websocket-protocol': `auth, ${TOKEN}` } })
  const response = new Response(null, { headers: { 'sec-websocket-protocol': TOKEN } })
  Object.defineProperty(response.headers, 'delete', {
    value: () => {
      throw new TypeError('immutable')
    },
  })
  Object.defineProperty(response, 'status', { value: 101 })
  assert.equal(withoutSubprotocol(response, request, 'auth'), undefined)
})
