// Every shape of token that Keycloak issues: how to get one, and the verdict of a gate with the profile `keycloak`.

import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { CONSENTING, MOBILE, WEB, type Client } from './clients.ts'
import { impersonate, nameActor } from './impersonation.ts'
import { addKey } from './keys.ts'
import { askForTokens, logIn, refresh, tryPassword } from './login.ts'
import { captureLogoutToken } from './logout-token.ts'
import { clientOf, type Realm } from './realm.ts'

export interface Shape {
  readonly name: string
  /** `accepted`, or the failing check and its reason. */
  readonly answer: string
  /** Verdicts of gates whose options differ, by the option's name and value. */
  readonly differing?: Readonly<Record<string, string>>
  obtain(realm: Realm): Promise<string>
}

/** Shapes in the order in which they must be obtained: lightweight tokens have no `sub` until a mapper is changed. */
export const SHAPES: readonly Shape[] = [
  shape('code flow', 'accepted', async (realm) => (await logIn(realm, 'alice', WEB)).accessToken, {
    'issuer of another host': 'realm wrong_issuer',
  }),
  shape('refreshed', 'accepted', async (realm) => (await refresh(realm, await logIn(realm, 'alice', WEB))).accessToken),
  shape('second client of a session', 'accepted', async (realm) => {
    const { agent } = await logIn(realm, 'alice', WEB)
    return (await logIn(realm, 'alice', MOBILE, { agent })).accessToken
  }),
  shape('password grant', 'accepted', (realm) => byPassword(realm, WEB), { 'compare authTime': 'login missing_claim' }),
  shape(
    'offline_access',
    'accepted',
    async (realm) => (await logIn(realm, 'bob', WEB, { scope: 'openid offline_access' })).accessToken,
  ),
  shape('consent client', 'accepted', async (realm) => (await logIn(realm, 'dave', CONSENTING)).accessToken),
  shape('lightweight', 'required_claims missing_claim', (realm) => ofClient(realm, LIGHTWEIGHT), {
    'subjectless accept': 'accepted',
  }),
  shape(
    'lightweight with sub',
    'accepted',
    async (realm) => {
      await addSubToLightweight(realm)
      return (await logIn(realm, 'carol', client(LIGHTWEIGHT.name))).accessToken
    },
    { 'compare authTime': 'login missing_claim' },
  ),
  shape('without scope basic', 'required_claims missing_claim', (realm) => ofClient(realm, WITHOUT_BASIC), {
    'subjectless accept': 'accepted',
  }),
  shape('without audience mapper', 'audience wrong_audience', (realm) => ofClient(realm, WITHOUT_AUDIENCE)),
  shape('client credentials', 'accepted', (realm) => byCredentials(realm, SERVICE), {
    'compare authTime': 'login missing_claim',
  }),
  shape('client credentials with refresh token', 'accepted', (realm) => byCredentials(realm, REFRESHING_SERVICE), {
    'compare authTime': 'login missing_claim',
  }),
  shape('header at+jwt', 'accepted', (realm) => ofClient(realm, RFC_9068), {
    'profile rfc9068': 'required_claims missing_claim',
  }),
  shape('DPoP', 'binding wrong_type', byProof),
  shape('impersonated', 'accepted', async (realm) => (await impersonate(realm, 'erin', WEB)).accessToken, {
    'compare authTime': 'login missing_claim',
  }),
  shape(
    'impersonated, named by act',
    'accepted',
    async (realm) => {
      await nameActor(realm, WEB)
      return (await impersonate(realm, 'erin', WEB)).accessToken
    },
    { 'compare authTime': 'login missing_claim', 'impersonation refuse': 'token_use wrong_type' },
  ),
  shape('ID token', 'token_use wrong_type', async (realm) => (await logIn(realm, 'alice', WEB)).idToken),
  shape('refresh token', 'key unknown_key', async (realm) => (await logIn(realm, 'alice', WEB)).refreshToken),
  shape(
    'offline refresh token',
    'key unknown_key',
    async (realm) => (await logIn(realm, 'bob', WEB, { scope: 'openid offline_access' })).refreshToken,
  ),
  shape('logout token', 'type wrong_type', captureLogoutToken),
  ...['RS512', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'].map((algorithm) =>
    shape(`signed by ${algorithm}`, 'accepted', async (realm) => {
      // The key signs only for a client that requests its algorithm.
      await addKey(realm, algorithm, 0)
      return ofClient(realm, {
        name: algorithm.toLowerCase(),
        changes: { attributes: { 'access.token.signed.response.alg': algorithm } },
      })
    }),
  ),
]

/** A client of the realm, with its additional settings. */
interface Kind {
  name: string
  changes: { attributes?: Record<string, string>; [member: string]: unknown }
}

const LIGHTWEIGHT: Kind = {
  name: 'lightweight',
  changes: { attributes: { 'client.use.lightweight.access.token.enabled': 'true' } },
}
const WITHOUT_BASIC: Kind = {
  name: 'without-basic',
  changes: { defaultClientScopes: ['web-origins', 'acr', 'roles', 'profile', 'email'] },
}
const WITHOUT_AUDIENCE: Kind = { name: 'without-audience', changes: { protocolMappers: [] } }
const RFC_9068: Kind = { name: 'rfc9068', changes: { attributes: { 'access.token.header.type.rfc9068': 'true' } } }
const DPOP: Kind = { name: 'dpop', changes: { attributes: { 'dpop.bound.access.tokens': 'true' } } }
const SERVICE: Kind = { name: 'service', changes: { serviceAccountsEnabled: true } }
const REFRESHING_SERVICE: Kind = {
  name: 'refreshing-service',
  changes: { serviceAccountsEnabled: true, attributes: { 'client_credentials.use_refresh_token': 'true' } },
}

function shape(name: string, answer: string, obtain: Shape['obtain'], differing?: Shape['differing']): Shape {
  return { name, answer, obtain, ...(differing === undefined ? {} : { differing }) }
}

function client(name: string): Client {
  return { id: name, secret: `${name}-secret` }
}

/** Adds the client of lightweight tokens. */
export function addLightweightClient(realm: Realm): Promise<Client> {
  return addClient(realm, LIGHTWEIGHT)
}

async function addClient(realm: Realm, { name, changes }: Kind): Promise<Client> {
  await realm.change('POST', 'clients', { ...clientOf(client(name)), ...changes })
  return client(name)
}

async function ofClient(realm: Realm, kind: Kind): Promise<string> {
  return (await logIn(realm, 'carol', await addClient(realm, kind))).accessToken
}

async function byPassword(realm: Realm, by: Client, headers?: Record<string, string>): Promise<string> {
  return accessTokenOf(await tryPassword(realm, by, 'carol', 'carol-password', headers))
}

async function byCredentials(realm: Realm, kind: Kind): Promise<string> {
  return accessTokenOf(await askForTokens(realm, await addClient(realm, kind), { grant_type: 'client_credentials' }))
}

/** Gets a token with a proof of possession (RFC 9449). */
async function byProof(realm: Realm): Promise<string> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const claims = { jti: crypto.randomUUID(), htm: 'POST', htu: `${realm.issuer}/protocol/openid-connect/token` }
  const header = { alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(publicKey) }
  const proof = await new SignJWT(claims).setIssuedAt().setProtectedHeader(header).sign(privateKey)
  return byPassword(realm, await addClient(realm, DPOP), { DPoP: proof })
}

async function addSubToLightweight(realm: Realm): Promise<void> {
  interface Scope {
    id: string
    name: string
    protocolMappers?: { id: string; name: string; config: Record<string, string> }[]
  }
  const basic = (await realm.read<Scope[]>('client-scopes')).find(({ name }) => name === 'basic')
  const sub = basic?.protocolMappers?.find(({ name }) => name === 'sub')
  if (basic === undefined || sub === undefined) throw new Error('the realm has no scope basic with a mapper for sub')
  const config = { ...sub.config, 'lightweight.claim': 'true' }
  await realm.change('PUT', `client-scopes/${basic.id}/protocol-mappers/models/${sub.id}`, { ...sub, config })
}

function accessTokenOf({ status, text }: { status: number; text: string }): string {
  const { access_token: token } = JSON.parse(text) as { access_token?: string }
  if (token === undefined) throw new Error(`Keycloak returned ${status} for a grant: ${text.slice(0, 300)}`)
  return token
}
