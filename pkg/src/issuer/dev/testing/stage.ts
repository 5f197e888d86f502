// An issuer for one test file, attached to an origin, and a client's requests to it.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createOrigin, generateFeedKey, type JWK, type Origin } from '../../../entry/origin/node.ts'
import { sqliteStore } from '../../../origin/store/sqlite/index.ts'
import { createDevIssuer, type DevIssuer, type DevIssuerOptions } from '../index.ts'

export const ISSUER = 'http://localhost:8780/realms/acme'
export const ROOT: string = `${ISSUER}/protocol/openid-connect`

export interface Tokens {
  access_token: string
  refresh_token: string
  id_token?: string
  expires_in: number
}

export let folder: string
export let signingKey: JWK
export let issuer: DevIssuer
export let origin: Origin

export async function open(path: string, options: Partial<DevIssuerOptions> = {}): Promise<void> {
  issuer = await createDevIssuer({
    path,
    issuer: ISSUER,
    clients: [
      { id: 'demo', postLogoutRedirectUris: ['https://app.test/bye?x=1'] },
      { id: 'backend', secret: 'backend-secret' },
      { id: 'short', accessTokenSeconds: 1 },
    ],
    ...options,
  })
  origin = await createOrigin({ store: sqliteStore({ path }), signingKey, realms: [issuer.realm] })
  issuer.attach(origin)
}

export async function close(): Promise<void> {
  await issuer.close()
  await origin.close()
}

export async function start(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-issuer-'))
  signingKey = (await generateFeedKey()).signingKey
  await open(join(folder, 'a.db'))
}

export async function stop(): Promise<void> {
  await close()
  await rm(folder, { recursive: true })
}

export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await issuer.fetch(new Request(path, init))
  assert.ok(response !== undefined, `${path} is not the issuer's`)
  return response
}

export function form(parameters: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> {
  return ask(`${ROOT}/token`, { method: 'POST', body: new URLSearchParams(parameters), headers })
}

export async function logIn(username = 'alice', more: Record<string, string> = {}): Promise<Tokens> {
  const response = await form({
    grant_type: 'password',
    client_id: 'demo',
    username,
    password: `${username}-password`,
    ...more,
  })
  assert.equal(response.status, 200)
  return (await response.json()) as Tokens
}

export function refresh(token: string, more: Record<string, string> = {}): Promise<Response> {
  return form({ grant_type: 'refresh_token', client_id: 'demo', refresh_token: token, ...more })
}

export async function errorOf(response: Response): Promise<[number, string]> {
  assert.equal(response.headers.get('cache-control'), 'no-store')
  return [response.status, ((await response.json()) as { error: string }).error]
}
