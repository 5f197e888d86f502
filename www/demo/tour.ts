// The tour: every method that ends a token's life, shown against the running origin and edge, and measured.

import { generateKeyPair, SignJWT } from 'jose'
import { Client, claimsOf, type Answer, type Refusal } from './client.ts'
import { pause, type Child } from './child.ts'
import { startEdge } from './edge.ts'
import type { Place } from './settings.ts'
import { startOrigin } from './start-origin.ts'

/** A step tells what was done and what came of it; it throws when that is not what should have. */
interface Step {
  title: string
  run: () => Promise<string>
}

/** Walks through the steps, printing each. True if every one did what it should. */
export async function tour(place: Place, children: Child[]): Promise<boolean> {
  const steps = plan(place, children)
  let failed = 0
  for (const [index, step] of steps.entries()) {
    const number = String(index + 1).padStart(2)
    try {
      console.log(`${number}. ${step.title}\n    ${await step.run()}`)
    } catch (error) {
      failed += 1
      console.log(`${number}. ${step.title}\n    FAILED: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  console.log(failed === 0 ? `\nAll ${steps.length} steps did what they should.` : `\n${failed} of ${steps.length} steps failed.`)
  return failed === 0
}

function plan(place: Place, children: Child[]): Step[] {
  const client = new Client(place)
  const tokens = { alice: '', expiring: '', bob: '', admin: '' }
  const [origin, edge] = [0, 1]

  return [
    {
      title: 'Alice logs in and calls the API at the edge',
      run: async () => {
        tokens.alice = (await client.logIn('alice')).access_token
        tokens.expiring = (await client.logIn('alice', 'demo-short')).access_token
        return accepted(await client.call(tokens.alice))
      },
    },
    {
      title: 'A token with a changed payload, and one signed by a stranger under the same key id, are refused',
      run: async () => {
        const changed = refusedWith(await client.call(withOtherSubject(tokens.alice)), 'invalid_token')
        const forged = refusedWith(await client.call(await forge(tokens.alice)), 'invalid_token')
        return `${changed}; ${forged}`
      },
    },
    {
      title: 'Alice revokes her token (POST /v1/auth/token/revoke)',
      run: async () => {
        const bystander = (await client.logIn('alice')).access_token
        const answer = await client.revoke(tokens.alice)
        expect(answer.status === 200 && answer.body['revoked'] === true, `the origin answered ${answer.status}`)
        const refusal = await client.refused(tokens.alice)
        accepted(await client.call(bystander))
        return `${timed(refusal)}; her other token is still accepted`
      },
    },
    {
      title: 'An administrator logs Bob out everywhere (POST /admin/realms/acme/users/{id}/logout)',
      run: async () => {
        const phone = (await client.logIn('bob')).access_token
        const laptop = (await client.logIn('bob')).access_token
        accepted(await client.call(phone))
        tokens.admin = (await client.logIn('admin')).access_token
        const denied = await client.logOutEverywhere(phone, String(claimsOf(phone)['sub']))
        expect(denied.status === 403, `without the role the origin answered ${denied.status}, not 403`)
        const answer = await client.logOutEverywhere(tokens.admin, String(claimsOf(phone)['sub']))
        expect(answer.status === 204, `the origin answered ${answer.status}`)
        tokens.bob = phone
        const refusal = await client.refused(phone)
        refusedWith(await client.call(laptop), 'invalid_token')
        return `${timed(refusal)}, for both of his devices`
      },
    },
    {
      title: 'Bob logs in again at once',
      run: async () => {
        const start = performance.now()
        const token = (await client.logIn('bob')).access_token
        const waited = performance.now() - start
        const answer = accepted(await client.call(token))
        return `${answer}, ${waited.toFixed(0)} ms after he asked`
      },
    },
    {
      title: 'A token that has expired is refused',
      run: async () => {
        // The gate grants a leeway of 5 s after `exp`.
        const left = (Number(claimsOf(tokens.expiring)['exp']) + 6) * 1000 - Date.now()
        await pause(Math.max(0, left))
        return refusedWith(await client.call(tokens.expiring), 'invalid_token')
      },
    },
    {
      title: 'The origin is killed and started again: nothing was forgotten',
      run: async () => {
        const before = await client.originSequence()
        await children[origin]?.stop('SIGKILL')
        const alone = await client.call(tokens.bob)
        expect(alone.status === 401, `while the origin was down the edge answered ${alone.status}`)
        children[origin] = await startOrigin(place)
        const after = await client.originSequence()
        expect(after >= before, `the ledger went back from ${before} to ${after}`)
        refusedWith(await client.call(tokens.alice), 'invalid_token')
        refusedWith(await client.call(tokens.bob), 'invalid_token')
        const token = (await client.logIn('alice')).access_token
        accepted(await client.call(token))
        const answer = await client.revoke(token)
        expect(answer.status === 200, `the origin answered ${answer.status}`)
        return `sequence ${before} before, ${after} after; a new revocation: ${timed(await client.refused(token))}`
      },
    },
    {
      title: 'The edge is killed, misses a revocation, and catches up when it starts again',
      run: async () => {
        const missed = (await client.logIn('alice')).access_token
        await children[edge]?.stop('SIGKILL')
        const answer = await client.revoke(missed)
        expect(answer.status === 200, `the origin answered ${answer.status}`)
        children[edge] = await startEdge(place)
        const start = performance.now()
        const first = refusedWith(await client.call(missed), 'invalid_token')
        const milliseconds = performance.now() - start
        refusedWith(await client.call(tokens.bob), 'invalid_token')
        const head = await client.originSequence()
        expect((await client.edgeSequence()) === head, 'the edge is behind the origin')
        return `its first answer: ${first}, after ${milliseconds.toFixed(0)} ms; it stands at sequence ${head}`
      },
    },
  ]
}

function accepted(answer: Answer): string {
  expect(answer.status === 200, `the edge answered ${answer.status} ${JSON.stringify(answer.body)}, not 200`)
  return 'the edge answered 200'
}

function refusedWith(answer: Answer, error: string): string {
  expect(answer.status === 401, `the edge answered ${answer.status} ${JSON.stringify(answer.body)}, not 401`)
  expect(answer.challenge?.includes(`error="${error}"`) ?? false, `the challenge does not say ${error}`)
  return `the edge answered 401 ${error} (${String(answer.body['error_description'])})`
}

function timed(refusal: Refusal): string {
  const answer = refusedWith(refusal.answer, 'invalid_token')
  return `${answer}, ${refusal.milliseconds.toFixed(1)} ms after the revocation was answered`
}

function expect(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise)
}

/** The token with another subject and the old signature. */
function withOtherSubject(token: string): string {
  const [header, , signature] = token.split('.')
  const payload = Buffer.from(JSON.stringify({ ...claimsOf(token), sub: 'mallory' })).toString('base64url')
  return `${header}.${payload}.${signature}`
}

/** The token's claims, signed with a key that is not the issuer's, under the issuer's `kid`. */
async function forge(token: string): Promise<string> {
  const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { alg: string; kid: string }
  const { privateKey } = await generateKeyPair(header.alg)
  return new SignJWT(claimsOf(token)).setProtectedHeader({ ...header }).sign(privateKey)
}
