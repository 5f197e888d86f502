import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createTestRealm } from 'portcullis/testing'
import { notes } from './notes.js'

const realm = await createTestRealm()
const app = notes(realm.gate)
after(() => realm.close())

const status = async (token) => (await app(realm.request(token))).status

test('only tokens with the scope list notes, until they are revoked', async () => {
  const token = await realm.token({ scope: 'notes:read' })
  assert.equal(await status(undefined), 401)
  assert.equal(await status(await realm.token()), 403)
  assert.equal(await status(token), 200)
  await realm.revokeToken(token)
  assert.equal(await status(token), 401)
})

test('a user who is logged out can log in again', async () => {
  const token = await realm.token({ sub: 'bob', scope: 'notes:read' })
  await realm.logoutUser('bob')
  assert.equal(await status(token), 401)
  assert.equal(await status(await realm.token({ sub: 'bob', scope: 'notes:read' })), 200)
})

test('a token expires', async () => {
  const token = await realm.token({ scope: 'notes:read' })
  await realm.advance(600)
  assert.equal(await status(token), 401)
})

test('without updates from the origin the response is 503', async () => {
  const token = await realm.token({ scope: 'notes:read' })
  await realm.goStale()
  assert.equal(await status(token), 503)
  await realm.recover()
  assert.equal(await status(token), 200)
})
