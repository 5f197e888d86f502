import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { UpstreamOutcome } from '../api.ts'
import type { Connector } from '../connectors/connector.ts'
import type { ForwardedEvent, Forwarder, UpstreamMessage } from '../connectors/forwarder.ts'
import { connectorStore } from '../store/store.ts'
import { failing, type FailingStore } from '../testing/failing.ts'
import { openStage, type Stage } from '../testing/stage.ts'

let stage: Stage
let broken: FailingStore
let events: ForwardedEvent[]
let withdrawn: UpstreamMessage[]
let outcome: UpstreamOutcome

/** A connector that acts at no server: its forwarder keeps the messages. */
function keeping(): Connector {
  const forwarder: Forwarder = {
    messageFor(event) {
      events.push(event)
      if (event.event.kind === 'clientSession') return 'refused'
      if (event.event.kind === 'tokenVersion') return undefined
      return { entry: { queue: 'kept', at: event.now, payload: new TextEncoder().encode(event.action) } }
    },
    stored: () => Promise.resolve(outcome),
    withdrawn: (message) => void withdrawn.push(message),
  }
  return { name: 'kept', realm: 'acme', connect: () => ({ receivers: {}, forwarder, start() {}, async close() {} }) }
}

beforeEach(async () => {
  broken = failing()
  ;[events, withdrawn, outcome] = [[], [], 'done']
  stage = await openStage({ store: broken.store, connectors: [keeping()], corsOrigins: ['https://app.example'] })
})
afterEach(() => stage.close())

/** The messages in the outbox. */
async function stored(): Promise<string[]> {
  const found = await connectorStore(broken.store, 'test').outboxEntries({ realm: 'acme', queue: 'kept', limit: 100 })
  return found.map(({ payload }) => new TextDecoder().decode(payload))
}

describe('the outcome at the identity server', () => {
  const routes: [string, string, unknown?][] = [
    ['POST', '/users/alice/logout'],
    ['POST', '/users/logout', { id: 'alice' }],
    ['DELETE', '/sessions/s1'],
    ['POST', '/sessions/end', { sid: 's1' }],
    ['POST', '/logout-all'],
    ['POST', '/push-revocation'],
    ['POST', '/clients/demo/push-revocation'],
    ['POST', '/clients/push-revocation', { client: 'demo' }],
    ['DELETE', '/users/alice/grants/demo'],
    ['POST', '/grants/end', { user: 'alice', client: 'demo' }],
  ]
  const outcomes = ['done', 'queued', 'refused'] as const
  const cases = routes.flatMap((route) =>
    outcomes.flatMap((each) => ['', '?wait=enforced&timeoutMs=0'].map((query) => [each, query, ...route] as const)),
  )
  // Each with its own origin, because many of these acts also end the administrator's token.
  for (const [each, query, method, path, body] of cases) {
    test(`${each} is in the response to ${method} ${path}${query}`, async () => {
      outcome = each
      const answer = await stage.administer(method, `/admin/realms/acme${path}${query}`, body)
      assert.ok(answer.ok)
      assert.equal(answer.headers.get('portcullis-upstream'), each)
    })
  }

  test('is refused for an act without an operation at the server', async () => {
    const answer = await stage.administer('DELETE', '/admin/realms/acme/sessions/s1?client=demo')
    assert.deepEqual([answer.status, answer.headers.get('portcullis-upstream')], [204, 'refused'])
    assert.deepEqual(await stored(), [])
  })

  test('is not stated for an act that does not concern the server', async () => {
    const answer = await stage.administer('PUT', '/admin/realms/acme/users/alice/token-version', { minimum: 3 })
    assert.deepEqual([answer.status, answer.headers.get('portcullis-upstream')], [204, null])
  })

  test('is in the OpenAPI document', async () => {
    const { paths } = (await (await stage.get('/openapi.json')).json()) as {
      paths: Record<string, Record<string, { responses: Record<string, { headers?: object }> }>>
    }
    for (const [method, path] of routes) {
      const [, operations] =
        Object.entries(paths).find(
          ([each]) =>
            path ===
            each
              .replace('/admin/realms/{realm}', '')
              .replace('{id}', 'alice')
              .replace('{sid}', 's1')
              .replace('{client}', 'demo'),
        ) ?? assert.fail(path)
      const responses = operations[method.toLowerCase()]?.responses ?? {}
      for (const status of Object.keys(responses).filter((each) => each.startsWith('2'))) {
        assert.ok('Portcullis-Upstream' in (responses[status]?.headers ?? {}), `${method} ${path} ${status}`)
      }
    }
  })

  test('belongs to the result of the verb, unless the act states that the server already knows', async () => {
    const told = await stage.origin.logoutUser('acme', 'alice')
    assert.equal(await told.upstream, 'done')
    const skipped = await stage.origin.logoutUser('acme', 'bob', { upstream: 'skip', actor: 'connector:kept' })
    assert.equal(skipped.upstream, undefined)
    assert.deepEqual(
      events.map(({ upstream }) => upstream),
      ['tell', 'skip'],
    )
    const [line] = await stage.origin.audit.list({ realm: 'acme', limit: 1 })
    assert.ok(line !== undefined && !('upstream' in line))
  })
})

describe('a message', () => {
  test('is stored with its event, even if that was already in force', async () => {
    await stage.origin.setRealmNotBefore('acme', 1_700_000_000)
    await stage.origin.setRealmNotBefore('acme', 1_600_000_000)
    assert.deepEqual(await stored(), ['realm_not_before_set', 'realm_not_before_set'])
    assert.deepEqual(
      events.map(({ state, until }) => [state, until]),
      [
        ['new', 1_700_000_000],
        ['in_force', 1_600_000_000],
      ],
    )
  })

  test('is withdrawn when its event cannot be recorded', async () => {
    broken.fail(true)
    await assert.rejects(stage.origin.logoutUser('acme', 'alice'), { code: 'store_unavailable' })
    broken.fail(false)
    assert.equal(withdrawn.length, 1)
    assert.deepEqual(await stored(), [])
    await stage.origin.logoutUser('acme', 'alice')
    assert.deepEqual(await stored(), ['user_logged_out'])
  })

  test('has the time up to which its event refuses tokens', async () => {
    await stage.origin.logoutUser('acme', 'alice')
    await stage.origin.logoutUser('acme', 'bob', { occurredAt: 1_700_000_000.7 })
    await stage.origin.setRealmNotBefore('acme', Date.now())
    const [now, dated, milliseconds] = events
    assert.equal(now?.until, (now?.now ?? 0) + 2)
    assert.equal(now?.until, stage.origin.userNotBefore('acme', 'alice'))
    assert.equal(dated?.until, 1_700_000_000)
    assert.equal(milliseconds?.until, (milliseconds?.now ?? 0) + 2)
  })
})
