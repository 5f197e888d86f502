// Sessions at module scope, as in an app whose pages are also rendered on a server.

import { pending, recorded } from './recorder.ts'
import { createSession, logout, onLogout, type SessionOptions } from 'portcullis/browser'

/** Bodies that the token endpoint received. */
const asked: string[] = []

/** Replaces the network. */
const answering: typeof fetch = async (_, init) => {
  asked.push(String(init?.body))
  return Response.json({ access_token: 'a1', refresh_token: 'r1', expires_in: 300 })
}

const OPTIONS: SessionOptions = {
  tokenUrl: 'https://idp.example/token',
  revokeUrl: 'https://idp.example/revoke',
  clientId: 'app',
  allowedOrigins: ['https://api.example'],
  fetch: answering,
}
const STORAGE = {
  load: () => void recorded.push('load'),
  save: () => void recorded.push('save'),
  clear: () => void recorded.push('clear'),
}

const inMemory = createSession(OPTIONS)
const byCookie = createSession({ ...OPTIONS, clientId: 'cookie', cookies: 'include' })
const stored = createSession({ ...OPTIONS, clientId: 'stored', storage: STORAGE })
const listening = onLogout(() => recorded.push('onLogout'))
const atLoad = [...recorded, ...asked]

/** Returns the problems, one per line. */
export async function problems(): Promise<string[]> {
  const found: string[] = []
  const same = (what: string, value: unknown, expected: unknown): void => {
    if (JSON.stringify(value) !== JSON.stringify(expected))
      found.push(`${what}: ${JSON.stringify(value)}, expected ${JSON.stringify(expected)}`)
  }
  same('done while the module loads', atLoad, [])
  same('signed in', [inMemory.signedIn, byCookie.signedIn, stored.signedIn], [false, false, false])

  // Users of the same process.
  const [alice, bob, carol] = [createSession(OPTIONS), createSession(OPTIONS), createSession(OPTIONS)]
  await alice.signIn({ accessToken: 'of Alice', refreshToken: 'r', expiresInSeconds: 300 })
  await carol.signIn({ accessToken: 'of Carol', refreshToken: 'r', expiresInSeconds: 300 })
  same(
    'tokens of another user',
    [await bob.accessToken(), await inMemory.accessToken(), bob.signedIn],
    [null, null, false],
  )
  same('requests without a login', asked, [])
  await logout({ revokeUrl: OPTIONS.revokeUrl as string, clientId: 'app', accessToken: 'x', fetch: answering })
  await alice.logout()
  same('still signed in after the logout of another user', [alice.signedIn, carol.signedIn], [false, true])

  // The session works, because a server may act for one user.
  asked.length = 0
  same('refresh', [await carol.refresh(), await carol.accessToken()], ['refreshed', 'a1'])
  same('requests sent', asked, ['grant_type=refresh_token&client_id=app&refresh_token=r'])
  const globals = recorded.filter((name) => !['setTimeout', 'load', 'save', 'clear'].includes(name))
  same('globals used', globals, [])
  same('timers left by open sessions', pending.size, 0)
  for (const session of [inMemory, byCookie, stored, bob]) session.close()
  listening()
  return found
}
