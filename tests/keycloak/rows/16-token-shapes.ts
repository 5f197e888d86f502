// Row 16: every shape of token that Keycloak issues, at gates with profile `keycloak`.

import { createGate, type Gate, type TokenOptions } from 'portcullis/edge'
import { WEB } from '../clients.ts'
import { sessionDeleted } from '../evidence.ts'
import { ends, type Row } from '../row.ts'
import type { Scene } from '../scene.ts'
import { addLightweightClient, SHAPES, type Shape } from '../shapes.ts'
import type { Stage } from '../stage.ts'

/** Options of gates with different verdicts on some shapes, by the names that the shapes use. */
const DIFFERING: Readonly<Record<string, Partial<TokenOptions>>> = {
  'subjectless accept': { subjectless: 'accept' },
  'compare authTime': { compare: 'authTime' },
  'impersonation refuse': { impersonation: 'refuse' },
  'profile rfc9068': { profile: 'rfc9068' },
}

export const TOKEN_SHAPES: Row = {
  number: 16,
  title: 'token shapes',
  cases: [
    { title: 'each is accepted or refused as documented', rounds: ['all'], run: answerEach },
    {
      title: 'a lightweight token without sub is revoked by its session',
      // The client has no URL.
      rounds: ['all', 'no-push'],
      stage: { tokens: { subjectless: 'accept' } },
      async run(scene) {
        const client = await addLightweightClient(scene.realm)
        const login = await scene.logIn('carol', client)
        await scene.enforce({
          ended: [ends(login, 'session_revoked')],
          spared: [await scene.logIn('carol', client), await scene.logIn('bob', WEB)],
          act: () => scene.realm.change('DELETE', `sessions/${login.sid}`),
          again: () => scene.logIn('carol', client, { agent: login.agent }),
          evidence: [sessionDeleted(login.sid)],
        })
      },
    },
  ],
}

async function answerEach({ realm, stage }: Scene): Promise<void> {
  const otherHost = { issuer: realm.issuer.replace('127.0.0.1', 'localhost') }
  const gates = new Map(
    Object.entries({ usual: {}, 'issuer of another host': otherHost, ...DIFFERING }).map(([name, options]) => [
      name,
      gateOf(stage, options),
    ]),
  )
  try {
    for (const shape of SHAPES) {
      const token = await shape.obtain(realm)
      const verdict = await stage.call(token)
      if (!shape.answer.endsWith(verdict.ok ? 'accepted' : verdict.reason))
        throw new Error(`${shape.name}: the edge says ${JSON.stringify(verdict)}`)
      for (const [name, gate] of gates) await requireAnswer(gate, token, shape, name)
    }
  } finally {
    for (const gate of gates.values()) gate.close()
  }
}

/** Checks the verdict of a gate on a shape. Gates with other options are checked only if the verdict differs. */
async function requireAnswer(gate: Gate, token: string, shape: Shape, gateName: string): Promise<void> {
  const expected = gateName === 'usual' ? shape.answer : shape.differing?.[gateName]
  if (expected === undefined) return
  const verdict = await gate.check(token)
  const failed = (await gate.explain(token)).find(({ outcome }) => outcome === 'failed')
  const answer = failed === undefined ? 'accepted' : `${failed.check} ${failed.reason}`
  if (answer !== expected || verdict.ok !== (answer === 'accepted'))
    throw new Error(`${shape.name}: ${answer} instead of ${expected} (gate ${gateName})`)
  if (failed !== undefined && failed.detail === undefined) throw new Error(`${shape.name}: ${answer} without advice`)
}

/**
 * Creates a gate that gets its keys from the feed. Its options may differ from the origin's, because nothing is
 * revoked.
 */
function gateOf({ realm: { name, issuer }, feed }: Stage, options: Partial<TokenOptions>): Gate {
  const realm = { name, issuer, audience: 'api', profile: 'keycloak' as const, feed, acceptDifferingPolicy: true }
  return createGate({ realms: [{ ...realm, ...options }], onReport: () => undefined })
}
