import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Place } from './place.ts'
import { MAX_UNVERIFIED, MAX_VERIFIED, Places } from './places.ts'

interface Scene {
  places: Places<string>
  evicted: string[]
  add(issuer: string, nowMs: number): Place<string> | undefined
  /** Adds a place in which a token has verified. */
  admit(issuer: string, nowMs: number): Place<string>
}

function opened(): Scene {
  const evicted: string[] = []
  const places = new Places<string>(({ issuer }) => void evicted.push(issuer))
  const add = (issuer: string, nowMs: number) => {
    const place = places.reserve(issuer, 'unknown', nowMs)
    if (place !== undefined) place.realm = issuer
    return place
  }
  const admit = (issuer: string, nowMs: number) => {
    const place = add(issuer, nowMs)
    assert.ok(place !== undefined)
    places.verify(place, nowMs)
    return place
  }
  return { places, evicted, add, admit }
}

test('realms without a verified token share few places, and the oldest is freed', () => {
  const { places, evicted, add } = opened()
  for (let number = 0; number < 1000; number += 1) add(`unverified-${number}`, number)
  assert.equal(places.size, MAX_UNVERIFIED)
  assert.deepEqual(evicted.slice(0, 3), ['unverified-0', 'unverified-1', 'unverified-2'])
  assert.equal(places.get('unverified-999', 1000)?.realm, 'unverified-999')
  assert.equal(places.get('unverified-983', 1000), undefined)
})

test('they take no place of a realm with a verified token', () => {
  const { places, evicted, add, admit } = opened()
  for (let number = 0; number < MAX_VERIFIED; number += 1) admit(`good-${number}`, number)
  for (let number = 0; number < 5000; number += 1) add(`unverified-${number}`, 10_000 + number)
  assert.equal(evicted.filter((issuer) => issuer.startsWith('good')).length, 0)
  assert.equal(places.size, MAX_VERIFIED + MAX_UNVERIFIED)
})

test('at the maximum, evicts the least recently used realm unless requests wait in it', () => {
  const { places, evicted, admit } = opened()
  const good = Array.from({ length: MAX_VERIFIED }, (_, number) => admit(`good-${number}`, number))
  const [first, second, third] = good
  assert.ok(first !== undefined && second !== undefined && third !== undefined)
  first.usedAtMs = 5000
  assert.equal(second.enter(5000), true)
  admit('new', 5000)
  assert.deepEqual(evicted, ['good-2'])
  places.leave(second, 5001)
  admit('newer', 5001)
  assert.deepEqual(evicted, ['good-2', 'good-1'])
  assert.equal(third.end, 'keys_unavailable')
  assert.equal(third.enter(5001), false)
})

test('realms that were verified before have separate places', () => {
  const { places, add } = opened()
  for (let number = 0; number < 1000; number += 1)
    assert.equal(add(`unverified-${number}`, 0)?.enter(0), number < MAX_UNVERIFIED ? true : undefined)
  assert.notEqual(places.reserve('returning', 'returning', 0), undefined)
})

test('if requests wait in every place, the oldest accepts no more of them and is freed once they have left', () => {
  const { places, evicted, add } = opened()
  const slow = Array.from({ length: MAX_UNVERIFIED }, (_, number) => add(`slow-${number}`, number))
  for (const place of slow) assert.equal(place?.enter(100), true)
  assert.equal(add('new', 100), undefined)
  const [first, second] = slow
  assert.ok(first !== undefined && second !== undefined)
  assert.equal(first.enter(101), false, 'no more requests')
  assert.equal(second.enter(101), true)
  assert.deepEqual(evicted, [])
  places.leave(first, 102)
  assert.deepEqual(evicted, ['slow-0'])
  assert.notEqual(add('new', 103), undefined)
})

test('a token that verifies meanwhile keeps the place', () => {
  const { places, evicted, add } = opened()
  const slow = Array.from({ length: MAX_UNVERIFIED }, (_, number) => add(`slow-${number}`, number))
  for (const place of slow) place?.enter(100)
  add('new', 100)
  const [first] = slow
  assert.ok(first !== undefined)
  places.verify(first, 101)
  places.leave(first, 102)
  assert.deepEqual(evicted, [])
  assert.equal(first.enter(103), true)
})

test('requests that never leave, such as those cancelled in workerd, do not hold a place permanently', () => {
  const { evicted, add } = opened()
  for (let number = 0; number < MAX_UNVERIFIED; number += 1) add(`cancelled-${number}`, 0)?.enter(0)
  assert.equal(add('new', 9_999), undefined)
  assert.notEqual(add('new', 10_000), undefined)
  assert.deepEqual(evicted, ['cancelled-0'])
})

test('the number of requests that wait for an issuer without a verified token is bounded', () => {
  const { places, add } = opened()
  const place = add('popular', 0)
  assert.ok(place !== undefined)
  assert.equal(Array.from({ length: 100 }, () => place.enter(0)).filter(Boolean).length, 64)
  assert.equal(place.isFull, true)
  places.verify(place, 0)
  assert.equal(place.enter(0), true)
})
