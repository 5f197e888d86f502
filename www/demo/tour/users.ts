// Ends sessions: a single one, by user, by app, by token version, by reuse of a refresh token, and for the whole realm.

import { claimsOf } from '../client.ts'
import { accepted, answered, expect, refused, type Stage, type Step, timed } from './step.ts'

export function userSteps(stage: Stage): Step[] {
  const { client } = stage
  return [
    {
      title: 'An administrator ends one of Alice’s sessions (DELETE /admin/realms/acme/sessions/{sid})',
      run: async () => {
        const [phone, laptop] = [await client.logIn('alice'), await client.logIn('alice')]
        accepted(await client.call(phone.access_token))
        answered(
          await client.administer(
            await stage.admin(),
            'DELETE',
            `sessions/${String(claimsOf(phone.access_token)['sid'])}`,
          ),
          204,
        )
        const refusal = await client.refused(phone.access_token)
        answered(await client.refresh(phone.refresh_token), 400)
        accepted(await client.call(laptop.access_token))
        return `${timed(refusal)}; her other session stays active`
      },
    },
    {
      title: 'An administrator logs Bob out everywhere (POST /admin/realms/acme/users/{id}/logout)',
      run: async () => {
        const phone = (await client.logIn('bob')).access_token
        const laptop = (await client.logIn('bob')).access_token
        accepted(await client.call(phone))
        const denied = await client.logOutEverywhere(phone, String(claimsOf(phone)['sub']))
        expect(denied.status === 403, `without the role the origin returned ${denied.status}, not 403`)
        answered(await client.logOutEverywhere(await stage.admin(), String(claimsOf(phone)['sub'])), 204)
        const refusal = await client.refused(phone)
        refused(await client.call(laptop))
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
        return `${answer}, ${waited.toFixed(0)} ms after his request`
      },
    },
    {
      title: 'One app is disconnected from Alice (DELETE /admin/realms/acme/users/{id}/grants/{client})',
      run: async () => {
        const [app, other, bob] = [
          await client.logIn('alice', 'backend'),
          await client.logIn('alice'),
          await client.logIn('bob', 'backend'),
        ]
        accepted(await client.call(app.access_token))
        const path = `users/${String(claimsOf(app.access_token)['sub'])}/grants/backend`
        answered(await client.administer(await stage.admin(), 'DELETE', path), 204)
        const refusal = await client.refused(app.access_token)
        answered(await client.refresh(app.refresh_token, 'backend'), 400)
        accepted(await client.call(other.access_token))
        accepted(await client.call(bob.access_token))
        accepted(await client.call((await client.logIn('alice', 'backend')).access_token))
        return `${timed(refusal)}, and its refresh token no longer works; her other app and Bob’s use of this app are unaffected, and a login connects it again`
      },
    },
    {
      title: 'A refresh token is used twice: its session ends, Bob’s other session stays active',
      run: async () => {
        const [stolen, other] = [await client.logIn('bob'), await client.logIn('bob')]
        const renewed = await client.refresh(stolen.refresh_token)
        answered(renewed, 200)
        const token = String(renewed.body['access_token'])
        accepted(await client.call(token))
        answered(await client.refresh(stolen.refresh_token), 400)
        const refusal = await client.refused(token)
        answered(await client.refresh(String(renewed.body['refresh_token'])), 400)
        accepted(await client.call(other.access_token))
        return timed(refusal)
      },
    },
    {
      title: 'Alice’s tokens get a minimum version (PUT /admin/realms/acme/users/{id}/token-version)',
      run: async () => {
        const before = (await client.logIn('alice')).access_token
        const { sub, token_version: version } = claimsOf(before)
        accepted(await client.call(before))
        const minimum = Number(version ?? 0) + 1
        answered(
          await client.administer(await stage.admin(), 'PUT', `users/${String(sub)}/token-version`, { minimum }),
          204,
        )
        const refusal = await client.refused(before)
        const after = (await client.logIn('alice')).access_token
        accepted(await client.call(after))
        return `${timed(refusal)}; a new login has version ${String(claimsOf(after)['token_version'])}`
      },
    },
    {
      title: 'An administrator logs the whole realm out (POST /admin/realms/acme/logout-all)',
      run: async () => {
        const [alice, bob] = [await client.logIn('alice'), await client.logIn('bob')]
        accepted(await client.call(alice.access_token))
        answered(await client.administer(await stage.admin(), 'POST', 'logout-all'), 200)
        const refusal = await client.refused(alice.access_token)
        refused(await client.call(bob.access_token))
        answered(await client.refresh(bob.refresh_token), 400)
        accepted(await client.call((await client.logIn('alice')).access_token))
        return `${timed(refusal)}; Bob’s too, and a new login is accepted`
      },
    },
  ]
}
