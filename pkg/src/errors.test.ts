import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PortcullisError } from './errors.ts'

/** The class as in another copy of the package. */
async function anotherCopy(): Promise<typeof PortcullisError> {
  const copy = (await import(`./errors.ts?copy=${Math.random()}`)) as { PortcullisError: typeof PortcullisError }
  assert.notEqual(copy.PortcullisError, PortcullisError)
  return copy.PortcullisError
}

test('recognizes an error of another copy of the package, in both directions', async () => {
  const Other = await anotherCopy()
  assert.ok(new Other('closed', 'the gate is closed') instanceof PortcullisError)
  assert.ok(new PortcullisError('closed', 'the gate is closed') instanceof Other)
})

test('other values are not errors of the package', () => {
  const values = [
    new Error('closed'),
    { name: 'PortcullisError', code: 'closed' },
    undefined,
    null,
    'closed',
    Object.create(null),
  ]
  for (const value of values) assert.equal((value as unknown) instanceof PortcullisError, false)
})

test('a subclass recognises only its own errors, and they are errors of the package', () => {
  class StoreError extends PortcullisError {}
  const own = new StoreError('store_corrupt', 'the store is damaged')
  assert.ok(own instanceof StoreError && own instanceof PortcullisError && own instanceof Error)
  assert.equal(new PortcullisError('store_corrupt', 'the store is damaged') instanceof StoreError, false)
})

test('the brand is neither enumerable nor copied into JSON', () => {
  const error = new PortcullisError('closed', 'the gate is closed', { detail: 'gate' })
  assert.deepEqual(Object.keys(error).sort(), ['code', 'detail', 'name'])
  assert.deepEqual(JSON.parse(JSON.stringify(error)), { name: 'PortcullisError', code: 'closed', detail: 'gate' })
})
