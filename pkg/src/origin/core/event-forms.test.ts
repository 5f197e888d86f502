// The forms of the wire format, and the effect of events at readers whose minor version lacks them.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { calculateJwkThumbprint, type JWK as JoseJwk } from 'jose'
import { TestReader } from '../testing/reader.ts'
import { createTestIssuer, type TestIssuer } from '../testing/stage.ts'
import { EVENT_FORMS, leastMinor } from './event-forms.ts'
import { generateFeedKey } from './feed-key.ts'
import { createLedger } from './guarded-ledger.ts'
import type { LedgerCore, LedgerEvent } from './ledger.ts'
import { formFor, type Minor, MINORS, NEWEST_MINOR } from './minor.ts'

/** The offset of the minor version in a statement. */
const MINOR_AT = 5

const now = (): number => Math.floor(Date.now() / 1000)

interface Stage {
  issuer: TestIssuer
  ledger: LedgerCore
  record(event: LedgerEvent): void
  openReader(minor: Minor): TestReader
}

async function open(t: TestContext): Promise<Stage> {
  const issuer = await createTestIssuer()
  const { signingKey, publicKey } = await generateFeedKey()
  const times = {
    leewaySeconds: 5,
    skewSeconds: 5,
    maxLifetimeSeconds: 86_400,
    issuerSkewSeconds: 0,
    validForSeconds: 300,
  }
  const ledger = createLedger('acme', {
    issuer: issuer.realm.issuer,
    signingKey,
    errorRate: 1e-6,
    incarnation: 0,
    ...times,
  })
  t.after(() => ledger.free())
  return {
    issuer,
    ledger,
    record(event) {
      assert.notEqual(ledger.stage(event, now()), undefined)
      ledger.commit()
    },
    openReader(minor) {
      const reader = new TestReader({
        minor,
        issuer,
        feedKey: publicKey,
        get: async (path) => respond(ledger, new URL(path, 'https://origin.test/')),
      })
      t.after(() => reader.free())
      return reader
    },
  }
}

function respond(ledger: LedgerCore, { pathname, searchParams }: URL): Response {
  const minor = Number(searchParams.get('minor')) as Minor
  const [, what = '', name = ''] = pathname.split('/')
  const after = Number(searchParams.get('after'))
  const bytes =
    what === 'manifest'
      ? ledger.manifest(now(), minor)
      : what === 'deltas'
        ? ledger.signedDelta(after, now(), minor).bytes
        : ledger.section(name)
  return new Response(bytes as Uint8Array<ArrayBuffer>)
}

test('the core writes exactly the forms declared here', async (t) => {
  const { ledger } = await open(t)
  for (const minor of MINORS) {
    assert.equal(ledger.manifest(now(), minor)[MINOR_AT], minor)
    assert.equal(ledger.signedDelta(0, now(), minor).bytes[MINOR_AT], minor)
    assert.equal(ledger.signedDeltaOver(0, 0, 0, now(), minor).bytes[MINOR_AT], minor)
  }
  assert.deepEqual(
    [ledger.manifest(now()), ledger.signedDelta(0, now()).bytes].map((bytes) => bytes[MINOR_AT]),
    [0, 0],
  )
  // A core that supported a newer form would return it.
  assert.equal(ledger.manifest(now(), 255 as Minor)[MINOR_AT], NEWEST_MINOR)
})

test('a reader newer than this origin gets the newest form', () => {
  assert.deepEqual([0, 1, 2, 255, 256, Number.MAX_SAFE_INTEGER].map(formFor), [0, 1, 1, 1, 1, 1])
})

test('readers below the minor of an event refuse all that it refuses, by manifest and by delta', async (t) => {
  const kinds = Object.keys(EVENT_FORMS) as LedgerEvent['kind'][]
  const later = kinds.filter((kind) => EVENT_FORMS[kind].since > 0)
  assert.deepEqual(later, ['grant', 'keyNotBefore'])
  for (const kind of later) {
    assert.equal(leastMinor(kind), 0, kind)
    const { issuer, record, openReader } = await open(t)
    const thumbprint = await calculateJwkThumbprint(issuer.jwk as JoseJwk)
    const token = await issuer.token({ sub: 'alice', azp: 'demo' })
    const early = MINORS.map(openReader)
    for (const reader of early) await reader.pullManifest()
    assert.deepEqual(
      early.map((reader) => reader.reasonOf(token)),
      MINORS.map(() => undefined),
      kind,
    )
    record(kind === 'grant' ? { kind, subject: 'alice', client: 'demo' } : { kind: 'keyNotBefore', thumbprint })
    for (const reader of early) await reader.pullDelta()
    const late = MINORS.map(openReader)
    for (const reader of late) await reader.pullManifest()
    for (const reader of [...early, ...late]) assert.notEqual(reader.reasonOf(token), undefined, kind)
  }
})
