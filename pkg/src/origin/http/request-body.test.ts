import assert from 'node:assert/strict'
import { test } from 'node:test'
import { required } from '../../options.ts'
import { checkMembers, formRequest, jsonRequest, nameRule, whole } from './request-body.ts'

const BODY = jsonRequest({ id: required(nameRule), minimum: whole(0, 'A version.') })

test('the schema follows from the rules', () => {
  assert.deepEqual(BODY.schema, {
    type: 'object',
    additionalProperties: false,
    properties: {
      id: {
        type: 'string',
        minLength: 1,
        maxLength: 1_024,
        description: '1 to 1024 bytes of UTF-8, control characters included.',
      },
      minimum: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'A version.' },
    },
    required: ['id'],
  })
  assert.deepEqual(formRequest({}).schema['additionalProperties'], { type: 'string' })
})

test('a message names the member, and repeats nothing', () => {
  const cases: [Record<string, unknown>, string][] = [
    [{}, 'id is missing: it must be a string of 1 to 1024 bytes of UTF-8'],
    [{ id: 'attackers-text'.repeat(100) }, 'id must be a string of 1 to 1024 bytes of UTF-8'],
    [{ id: 'a', minimum: -1 }, 'minimum must be a whole number, 0 or more'],
    [{ id: 'a', minimum: 1.5 }, 'minimum must be a whole number, 0 or more'],
    [{ id: 'a', minimum: null }, 'minimum must be a whole number, 0 or more'],
  ]
  for (const [members, description] of cases)
    assert.throws(() => checkMembers(BODY.rules, members), { status: 400, error: 'invalid_request', description })
  assert.deepEqual(checkMembers(BODY.rules, { id: 'a', minimum: 0 }), { id: 'a', minimum: 0 })
})
