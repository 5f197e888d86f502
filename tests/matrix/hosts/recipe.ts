// An application that is protected by a recipe of www/docs/frameworks.md. In addition to the probe's statuses, a
// refusal must equal the gate's own, and an error of `authorize` must cause the framework's error response.

import assert from 'node:assert/strict'
import { createGate, type Gate } from 'portcullis/edge'
import type { Running, Scope } from '../environment.ts'
import type { Stage } from '../stage.ts'
import { authorization } from './gate.ts'
import { askAt, startProgram, type Placed, type ServeOptions } from './program.ts'

interface RecipeOptions extends ServeOptions {
  /**
   * The source of a refusal's body. `framework`: its clients read errors in the framework's form, so only status and
   * headers are the gate's.
   */
  refusal: 'gate' | 'framework'
  /** Reads the subject from the body of a 200. Default: the application's `{ sub }`. */
  subject?: (body: unknown) => unknown
}

/** Starts the application. Its route `/directory` has an `authorize` that throws. */
export async function serveRecipe(
  place: Placed,
  stage: Stage,
  { refusal, subject, ...options }: RecipeOptions,
): Promise<Running> {
  const { program, url } = await startProgram(place, {
    ...options,
    variables: { GATE_OPTIONS: stage.gateOptions, ...options.variables },
  })
  const gate = createGate(JSON.parse(stage.gateOptions))
  const close = async (): Promise<void> => {
    gate.close()
    await program.stop()
  }
  try {
    await survivesErrors(url, await stage.token(), subject)
  } catch (error) {
    await close()
    throw error
  }
  return {
    async ask(token, scope = 'read') {
      const status = await askAt(url, token, scope, subject)
      if (status !== 200) await isChallenge(gate, url, token, scope, refusal)
      return status
    },
    close,
  }
}

/** Checks that a request whose `authorize` throws gets 500, and that the next request gets its usual response. */
async function survivesErrors(url: string, token: string, subject: RecipeOptions['subject']): Promise<void> {
  const response = await fetch(`${url}/directory`, { headers: authorization(token) })
  const text = await response.text()
  assert.equal(response.status, 500, 'the status of a route whose authorize throws')
  assert.ok(!text.includes(token), 'an error response contains the token')
  assert.equal(await askAt(url, token, 'read', subject), 200, 'the status of the request after an error')
}

const HEADERS = ['www-authenticate', 'cache-control', 'retry-after']

/** Compares a refusal to the response of a gate in this process. */
async function isChallenge(
  gate: Gate,
  url: string,
  token: string | undefined,
  scope: Scope,
  body: RecipeOptions['refusal'],
): Promise<void> {
  const headers = authorization(token)
  // The application may have received a revocation earlier.
  await gate.refresh()
  const verdict = await gate.authenticate(new Request(`${url}/${scope}`, { headers }), { scope: [scope] })
  assert.ok(!verdict.ok, 'the application refuses a token that a gate accepts')
  const expected = gate.challenge(verdict)
  const response = await fetch(`${url}/${scope}`, { headers, redirect: 'manual' })
  const text = await response.text()
  assert.equal(response.status, expected.status)
  for (const name of HEADERS)
    assert.equal(response.headers.get(name), expected.headers.get(name), `the refusal's ${name}`)
  if (body === 'gate') assert.equal(text, await expected.text(), "the refusal's body")
}
