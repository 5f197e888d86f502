import { afterAll, expect, test, vi } from 'vitest'
import { createTestRealm } from 'portcullis/testing'
import { notes } from './notes.ts'

const realm = await createTestRealm()
const app = notes(realm.gate)
afterAll(() => realm.close())

const status = async (token: string | undefined) => (await app(realm.request(token))).status

test('only tokens with the scope list notes, until they are revoked', async () => {
  const token = await realm.token({ scope: 'notes:read' })
  expect(await status(undefined)).toBe(401)
  expect(await status(await realm.token())).toBe(403)
  expect(await status(token)).toBe(200)
  await realm.revokeToken(token)
  expect(await status(token)).toBe(401)
})

test('a user who is logged out can log in again', async () => {
  const token = await realm.token({ sub: 'bob', scope: 'notes:read' })
  await realm.logoutUser('bob')
  expect(await status(token)).toBe(401)
  expect(await status(await realm.token({ sub: 'bob', scope: 'notes:read' }))).toBe(200)
})

test('a token expires', async () => {
  const token = await realm.token({ scope: 'notes:read' })
  await realm.advance(600)
  expect(await status(token)).toBe(401)
})

test('without updates from the origin the response is 503', async () => {
  const token = await realm.token({ scope: 'notes:read' })
  await realm.goStale()
  expect(await status(token)).toBe(503)
  await realm.recover()
  expect(await status(token)).toBe(200)
})

test('the gate follows fake timers', async () => {
  vi.useFakeTimers()
  const token = await realm.token({ scope: 'notes:read' })
  expect(await status(token)).toBe(200)
  vi.advanceTimersByTime(600_000)
  expect(await status(token)).toBe(401)
  const later = await realm.token({ scope: 'notes:read' })
  await realm.revokeToken(later)
  expect(await status(later)).toBe(401)
  vi.useRealTimers()
})
