// Uses the types of every subpath as an application would.

import { createServer } from 'node:http'
import { ERROR_CODES, PortcullisError, REASONS, statusOf, type ErrorCode, type Reason } from 'portcullis'
import { createSession, logout, type LoggedOut } from 'portcullis/browser'
import { keycloakConnector } from 'portcullis/connectors/keycloak'
import { oidcConnector } from 'portcullis/connectors/oidc'
import { createGate, type Gate, type Report } from 'portcullis/edge'
import { createGate as createLoadedGate, load } from 'portcullis/edge/load'
import { createGate as createSlimGate } from 'portcullis/edge/slim'
import { createOrigin, generateFeedKey, type Origin, type RevocationStore } from 'portcullis/origin'
import { createDevIssuer, type DevIssuer } from 'portcullis/origin/dev-issuer'
import { memoryStore } from 'portcullis/origin/memory'
import { serve, toNodeListener, type Server } from 'portcullis/origin/node'
import { createRefreshTokens } from 'portcullis/origin/refresh-tokens'
import { sqliteStore } from 'portcullis/origin/sqlite'
import { storeContract } from 'portcullis/origin/store-contract'
import { discover, okta, type ProviderRealm } from 'portcullis/providers'
import { createTestIssuer, createTestRealm, type TestIssuer, type TestRealm } from 'portcullis/testing'

export const reasons: readonly Reason[] = REASONS
export const codes: readonly ErrorCode[] = ERROR_CODES
export const status: number = statusOf('expired')

const realm = { name: 'acme', issuer: 'https://id.example', audience: 'api', jwks: 'https://id.example/keys' }

export async function serveOrigin(): Promise<Server> {
  const { signingKey } = await generateFeedKey()
  const store: RevocationStore = sqliteStore({ path: 'portcullis.db' })
  const connectors = [
    keycloakConnector({ baseUrl: 'https://id.example', realm: 'acme' }),
    oidcConnector({ realm: 'other' }),
  ]
  const origin: Origin = await createOrigin({ store, signingKey, realms: [realm], connectors })
  createServer(toNodeListener(origin)).listen(8780)
  createRefreshTokens({ path: 'portcullis.db', realm: 'acme', origin })
  const issuer: DevIssuer = await createDevIssuer({ path: 'portcullis.db', issuer: 'https://id.example/realms/acme' })
  storeContract(() => ({ store: memoryStore() }), { test: (_name, body) => body() })
  return serve(async (request) => (await issuer.fetch(request)) ?? new Response(null, { status: 404 }), { port: 8780 })
}

export function openGates(module: WebAssembly.Module): Gate[] {
  load(module, { shareFlights: true })
  const options = {
    realms: [{ ...realm, feed: { url: 'https://origin.example/feed/acme', keys: [] } }],
    onReport: ({ error }: Report) => console.warn(error.code),
  }
  return [createGate(options), createSlimGate(options), createLoadedGate(options)]
}

export async function providerRealms(): Promise<ProviderRealm[]> {
  const other = await discover('https://id.example', { audience: 'api' })
  return [
    okta({ domain: 'acme.okta.com', authorizationServer: 'default', audience: 'api' }),
    { ...other, name: okta.facts.name },
  ]
}

export async function openTestRealm(): Promise<[TestRealm, TestIssuer]> {
  const test = await createTestRealm({ ...realm, gate: { whenStale: 'accept' } })
  const verdict = await test.check(await test.token({ scope: 'read' }, { header: { kid: undefined } }))
  return verdict.ok ? [test, test.issuer] : [test, await createTestIssuer({ algorithm: 'ES256' })]
}

export async function endSession(): Promise<LoggedOut> {
  createSession({ tokenUrl: 'https://id.example/token', clientId: 'app', allowedOrigins: [] })
  return logout({ revokeUrl: 'https://id.example/revoke', clientId: 'app', refreshToken: 'token' })
}

export function codeOf(error: unknown): ErrorCode | undefined {
  // @ts-expect-error an unknown value has no code
  void error.code
  return error instanceof PortcullisError ? error.code : undefined
}
