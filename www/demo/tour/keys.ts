// The issuer's keys: a not-before, a rotation, then a ban of the old key.

import { accepted, answered, expect, type Stage, type Step, timed } from './step.ts'

export function keySteps(stage: Stage): Step[] {
  const { client } = stage
  let [before, oldKey] = ['', '']
  return [
    {
      title:
        'Tokens that the key has signed so far are refused; the key stays in use (PUT /admin/realms/acme/keys/{kid}/not-before)',
      run: async () => {
        const { access_token: early, refresh_token: refreshToken } = await client.logIn('alice')
        accepted(await client.call(early))
        answered(await client.administer(await stage.admin(), 'PUT', `keys/${keyIdOf(early)}/not-before`), 204)
        const refusal = await client.refused(early)
        answered(await client.refresh(refreshToken), 400)
        const late = (await client.logIn('alice')).access_token
        expect(keyIdOf(late) === keyIdOf(early), 'the new login was signed with another key')
        accepted(await client.call(late))
        return `${timed(refusal)}; a new login with the same key is accepted`
      },
    },
    {
      title:
        'The issuer gets a new signing key (POST /admin/realms/acme/keys); tokens signed by the old key stay valid',
      run: async () => {
        before = (await client.logIn('alice')).access_token
        oldKey = keyIdOf(before)
        answered(await client.administer(await stage.admin(), 'POST', 'keys'), 201)
        const after = (await client.logIn('alice')).access_token
        expect(keyIdOf(after) !== oldKey, 'a new login was signed with the old key')
        accepted(await client.call(after))
        return `${accepted(await client.call(before))} for the old key and for the new one, which the edge got from the feed`
      },
    },
    {
      title: 'The old key is banned (DELETE /admin/realms/acme/keys/{kid})',
      run: async () => {
        answered(await client.administer(await stage.admin(), 'DELETE', `keys/${oldKey}`), 204)
        const refusal = await client.refused(before)
        accepted(await client.call((await client.logIn('alice')).access_token))
        return `${timed(refusal)}; the new key’s tokens are accepted`
      },
    },
  ]
}

function keyIdOf(token: string): string {
  const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid?: string }
  return header.kid ?? ''
}
