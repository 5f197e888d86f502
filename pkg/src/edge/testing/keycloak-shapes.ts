// Decoded tokens of Keycloak 26.7.3: each way to get one omits or adds claims. Their times are relative to the current
// time.

/** A decoded token. */
export interface Shape {
  header: { alg: string; typ: string }
  claims: Record<string, unknown>
}

const PROFILE = {
  email_verified: true,
  name: 'alice Test',
  preferred_username: 'alice',
  given_name: 'alice',
  family_name: 'Test',
  email: 'alice@example.test',
}
const ROLES = {
  'allowed-origins': ['https://web.example'],
  realm_access: { roles: ['default-roles-acme', 'offline_access', 'uma_authorization'] },
  resource_access: { account: { roles: ['manage-account', 'manage-account-links', 'view-profile'] } },
}
const USER = 'f6f9ccef-4d95-42b7-8dd7-8f9481ac85eb'
const SID = '5jURrxkikKniBMQfDfBR-geo'

/** Returns the shapes by name, for an issuer and a time in unix seconds. Each token is valid for 300 s. */
export function keycloakShapes(iss: string, now: number): Record<ShapeName, Shape> {
  const times = { exp: now + 300, iat: now }
  const rs256 = { alg: 'RS256', typ: 'JWT' }
  const access = (claims: Record<string, unknown>, typ = 'JWT'): Shape => ({
    header: { ...rs256, typ },
    claims: {
      ...times,
      iss,
      aud: ['api', 'account'],
      sub: USER,
      typ: 'Bearer',
      azp: 'web',
      sid: SID,
      acr: '1',
      ...ROLES,
      scope: 'openid profile email',
      ...PROFILE,
      ...claims,
    },
  })
  const login = { auth_time: now }
  const light = {
    ...times,
    iss,
    aud: 'api',
    typ: 'Bearer',
    azp: 'light',
    sid: 'DNiylaoAyIet5la_WFS81rx_',
    scope: 'openid profile email',
  }
  const robot = {
    sub: 'd29d0c03-4148-41d2-9ee8-523a0abecda6',
    azp: 'svc',
    sid: undefined,
    clientHost: '127.0.0.1',
    clientAddress: '127.0.0.1',
    client_id: 'svc',
    preferred_username: 'service-account-svc',
    email_verified: false,
    name: undefined,
    given_name: undefined,
    family_name: undefined,
    email: undefined,
  }
  const refresh = {
    iat: now,
    iss,
    aud: iss,
    sub: USER,
    azp: 'web',
    sid: SID,
    scope: 'openid profile basic web-origins roles email acr',
    aud_x: ['api', 'account'],
    prov: 'default',
  }
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
  return {
    'code flow': access({ ...login, jti: 'onrtac:e72eeadf-3eb4-1af9-091c-b8cf08a4810c', token_version: 3 }),
    refreshed: access({ auth_time: now - 120, jti: 'onrtrt:4a3500e7-31f9-1cce-2930-32ca9ce0f20d', token_version: 3 }),
    'password grant': access({ jti: 'onrtro:9331fc49-40d6-1eee-0ce2-6eaa07e0cae8' }),
    'second client': access({ ...login, jti: 'onrtac:bb4b123b-8d2d-fdff-ea3d-5a367e420087', azp: 'spa', acr: '0' }),
    offline: access({
      ...login,
      jti: 'ofrtac:31bd0c88-1f53-e655-648b-2c655a1d77f9',
      sid: 'tQ0fiW_QOzfBj6gR5L7LWe2M',
      scope: 'openid profile offline_access email',
    }),
    lightweight: { header: rs256, claims: { ...light, jti: 'onltac:d56eeb5e-38ed-4e71-7c4f-b8b8f6d03b36' } },
    'lightweight with sub': {
      header: rs256,
      claims: { ...light, sub: USER, jti: 'onltac:2ce60fb3-ff08-f0f6-de2d-a922ad5dfe04' },
    },
    'without scope basic': access({
      sub: undefined,
      jti: 'onrtac:4b63f2c0-e19a-fcd8-9b04-6cb061844e46',
      azp: 'nosub',
      sid: '0WW6UcCZg7L8NvK1hzF-Eopn',
    }),
    'without audience mapper': access({
      ...login,
      aud: 'account',
      jti: 'onrtac:75c55105-1be2-d59a-8a5c-b32dc295eb2d',
      azp: 'noaud',
    }),
    'client credentials': access({ ...robot, jti: 'trrtcc:1a7f788a-94d1-0d63-af2d-f092427c46ca' }),
    'client credentials with refresh token': access({
      ...robot,
      jti: 'onrtcc:695f0794-dc52-02bd-f30a-2ba4b27b86c2',
      sid: 'Ngb-9y_E8AkTc67R41yys8iy',
    }),
    'header at+jwt': access({ ...login, jti: 'onrtac:1a00e6d0-277b-91cf-2404-85f01bc9ce04', azp: 'rfc9068' }, 'at+jwt'),
    DPoP: access({
      jti: 'onrtro:0b51d039-92fc-c607-0c13-da9f94711c70',
      typ: 'DPoP',
      azp: 'dpop',
      cnf: { jkt: 'Wg1nB2osL6HhBzfvXSjIns21mIGJa-PkxdIVZvJmCx4', 'kc-jkt-type': 'DPoP' },
    }),
    impersonated: access({
      jti: 'onrtac:2708239a-efea-b63b-5e04-701126292f15',
      acr: '0',
      sid: 'IHTg2NTaE5qo7wbOYGNN4Bh6',
    }),
    'impersonated, with a mapper': access({
      jti: 'onrtac:1870076c-d0d1-3d80-011c-2d19f61adf44',
      acr: '0',
      sid: '71KVQFDKjNDWnb51I3cP3w7c',
      act: { sub: 'ad2c4f73-cbfb-4e7b-a798-17ca4e9f128d' },
    }),
    'consent client': access({
      ...login,
      aud: 'api',
      jti: 'onrtac:c034c89a-31ab-1f18-e88e-e8a463339f7f',
      azp: 'consenting',
      realm_access: undefined,
      resource_access: undefined,
    }),
    ID: {
      header: rs256,
      claims: {
        ...times,
        ...login,
        jti: 'fa89e6bd-5126-16f2-5308-48f0abf1dd19',
        iss,
        aud: 'web',
        sub: USER,
        typ: 'ID',
        azp: 'web',
        sid: SID,
        at_hash: '8vK-7uiEMmDDl8MHckqexA',
        acr: '1',
        ...PROFILE,
      },
    },
    'ID of an audience here': {
      header: rs256,
      claims: {
        ...times,
        ...login,
        jti: 'fa89e6bd-5126-16f2-5308-48f0abf1dd19',
        iss,
        aud: 'api',
        sub: USER,
        typ: 'ID',
        azp: 'api',
        sid: SID,
      },
    },
    refresh: {
      header: { alg: 'HS512', typ: 'JWT' },
      claims: { ...refresh, exp: now + 1800, jti: '6162dded-ef8a-01ec-e448-7faf7a4f6065', typ: 'Refresh' },
    },
    'offline refresh': {
      header: { alg: 'HS512', typ: 'JWT' },
      claims: { ...refresh, jti: '708b8dcf-6a62-5bdb-112f-6b2c7d16d843', typ: 'Offline' },
    },
    logout: {
      header: { alg: 'RS256', typ: 'logout+jwt' },
      claims: {
        ...times,
        exp: now + 120,
        jti: '2e2cff8a-d0f0-dc44-7c3c-d6c6e2a689e1',
        iss,
        aud: 'web',
        sub: USER,
        typ: 'Logout',
        sid: SID,
        events,
      },
    },
  }
}

export type ShapeName =
  | 'code flow'
  | 'refreshed'
  | 'password grant'
  | 'second client'
  | 'offline'
  | 'lightweight'
  | 'lightweight with sub'
  | 'without scope basic'
  | 'without audience mapper'
  | 'client credentials'
  | 'client credentials with refresh token'
  | 'header at+jwt'
  | 'DPoP'
  | 'impersonated'
  | 'impersonated, with a mapper'
  | 'consent client'
  | 'ID'
  | 'ID of an audience here'
  | 'refresh'
  | 'offline refresh'
  | 'logout'
