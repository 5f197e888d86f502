// Runs the curl commands in www/docs/reference/routes.md with values that a shell, a form or JSON would alter.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { ADMINISTRATOR, openStage } from '../testing/stage.ts'

const PAGE = readFileSync(new URL('../../../../www/docs/reference/routes.md', import.meta.url), 'utf8')
const SECRETS = ['a+b%2F:c d&é', '%', '+', '@-=', ' " \' $HOME \\ `id` ', 'plain-secret']

/** Returns the command of the page that contains `part`, including its continuation lines. */
function commandWith(part: string): string {
  const blocks = [...PAGE.matchAll(/```sh(?: run)?\n([^]*?)```/g)].flatMap(([, text = '']) =>
    text.split(/(?<![\\|])\n/),
  )
  return blocks.find((command) => command.includes(part)) ?? assert.fail(`the page has no command with ${part}`)
}

async function statusOf(command: string, environment: Record<string, string>): Promise<string> {
  const quiet = command.replaceAll('curl ', "curl -s -w '%{http_code}' -o /dev/null ")
  return (await promisify(execFile)('bash', ['-c', quiet], { env: { ...process.env, ...environment } })).stdout
}

test('RFC 7009 works for every secret', async (t) => {
  const command = commandWith('openid-connect/revoke')
  for (const secret of SECRETS) {
    const stage = await openStage({ clients: [{ id: 'backend', secret }] })
    t.after(() => stage.close())
    const TOKEN = await stage.issuer.token({ azp: 'backend', client_id: 'backend' })
    const before = stage.sequence()
    assert.equal(await statusOf(command, { ORIGIN: stage.server.url, SECRET: secret, TOKEN }), '200', secret)
    assert.equal(stage.sequence(), before + 1, secret)
    assert.equal(await statusOf(command, { ORIGIN: stage.server.url, SECRET: `${secret}x`, TOKEN }), '401', secret)
    const basic = (id: string): Promise<Response> =>
      stage.get('/realms/acme/protocol/openid-connect/revoke', {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(id).toString('base64')}` },
        body: new URLSearchParams({ token: TOKEN }),
      })
    assert.equal(
      (await basic(`backend:${new URLSearchParams({ secret }).toString().slice('secret='.length)}`)).status,
      200,
      secret,
    )
  }
})

test('a correction works for every name of a user', async (t) => {
  const stage = await openStage()
  t.after(() => stage.close())
  const ADMIN_TOKEN = await stage.issuer.token(ADMINISTRATOR)
  for (const USER_ID of ['auth0|123', `a"b'c`, 'a/../b', 'é $HOME %2F']) {
    await stage.origin.raiseTokenVersion('acme', USER_ID, 3)
    assert.match(
      await statusOf(commandWith('corrections?reason='), { ORIGIN: stage.server.url, ADMIN_TOKEN, USER_ID }),
      /^20\d$/,
      USER_ID,
    )
  }
})
