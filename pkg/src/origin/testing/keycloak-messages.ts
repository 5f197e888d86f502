// The tokens that a Keycloak realm signs, in the shapes of Keycloak 26.

import { ISSUER, type TestIssuer } from './stage.ts'

type Members = Record<string, unknown>

export const STREAM_AUDIENCE = 'receiver/0c6d92be-a063-42b3-989c-2c33da2c6e42'
export const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'
export const SESSION_REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked'
export const CREDENTIAL_CHANGE = 'https://schemas.openid.net/secevent/caep/event-type/credential-change'
export const VERIFICATION = 'https://schemas.openid.net/secevent/ssf/event-type/verification'

/** Unix seconds. */
export function now(): number {
  return Math.floor(Date.now() / 1000)
}

/** Returns the claims of a logout token; `members` replace claims or, if `undefined`, remove them. */
export function logoutClaims(members: Members = {}): Members {
  const issuedAt = now()
  return changed(
    {
      exp: issuedAt + 120,
      iat: issuedAt,
      jti: crypto.randomUUID(),
      iss: ISSUER,
      aud: 'web',
      sub: 'alice',
      typ: 'Logout',
      sid: 's1',
      events: { [LOGOUT_EVENT]: {} },
    },
    members,
  )
}

export function logoutActionClaims(members: Members = {}): Members {
  return changed({ ...actionClaims('LOGOUT'), notBefore: now() }, members)
}

export function pushActionClaims(members: Members = {}): Members {
  return changed({ ...actionClaims('PUSH_NOT_BEFORE'), notBefore: now() }, members)
}

function actionClaims(action: string): Members {
  return { id: `${crypto.randomUUID()}-${Date.now()}`, expiration: now() + 30, resource: 'web', action }
}

export function securityEventClaims(events: Members, members: Members = {}): Members {
  const issuedAt = now()
  return changed(
    {
      jti: crypto.randomUUID(),
      iss: ISSUER,
      iat: issuedAt,
      aud: STREAM_AUDIENCE,
      txn: crypto.randomUUID(),
      events,
      sub_id: userSubject(),
    },
    members,
  )
}

export function userSubject(sub = 'alice'): Members {
  return { format: 'iss_sub', iss: ISSUER, sub }
}

export function sessionSubject(id: string): Members {
  return { format: 'complex', user: userSubject(), session: { format: 'opaque', id } }
}

/** Returns one token of each kind, keyed by name. */
export async function tokensOfEachKind(issuer: TestIssuer): Promise<Record<string, string>> {
  const revoked = { [SESSION_REVOKED]: { event_timestamp: now(), initiating_entity: 'user' } }
  const changedCredential = {
    [CREDENTIAL_CHANGE]: { event_timestamp: now(), initiating_entity: 'admin', change_type: 'update' },
  }
  const access = {
    iss: ISSUER,
    aud: 'api',
    sub: 'alice',
    sid: 's1',
    azp: 'web',
    iat: now(),
    exp: now() + 300,
    jti: 'onrtac:1',
    typ: 'Bearer',
  }
  const kinds: Record<string, [claims: Members, typ: string | undefined]> = {
    'logout token': [logoutClaims(), 'logout+jwt'],
    'logout action': [logoutActionClaims(), 'JWT'],
    'push action': [pushActionClaims(), 'JWT'],
    'session-revoked': [securityEventClaims(revoked, { sub_id: sessionSubject('s2') }), 'secevent+jwt'],
    'credential-change': [securityEventClaims(changedCredential), 'secevent+jwt'],
    verification: [securityEventClaims({ [VERIFICATION]: { state: 'hello' } }), 'secevent+jwt'],
    'access token': [access, 'JWT'],
    'access token of RFC 9068': [access, 'at+jwt'],
    'access token with a mapped event': [{ ...access, events: { [LOGOUT_EVENT]: {} } }, 'JWT'],
    'access token with mapped members of an action': [{ ...access, ...logoutActionClaims() }, 'JWT'],
    'ID token': [{ ...access, aud: 'web', typ: 'ID', nonce: 'n1' }, 'JWT'],
    'refresh token': [{ ...access, aud: ISSUER, typ: 'Refresh' }, 'JWT'],
    'offline token': [{ ...access, aud: ISSUER, typ: 'Offline', exp: undefined }, 'JWT'],
    'userinfo response': [{ iss: ISSUER, aud: 'web', sub: 'alice' }, undefined],
    'introspection response': [
      { iss: ISSUER, aud: 'api', iat: now(), token_introspection: { active: true } },
      'token-introspection+jwt',
    ],
  }
  const signed = Object.entries(kinds).map(async ([kind, [claims, typ]]) => [
    kind,
    await issuer.sign(claims, typ === undefined ? {} : { typ }),
  ])
  return Object.fromEntries(await Promise.all(signed)) as Record<string, string>
}

function changed(members: Members, by: Members): Members {
  return Object.fromEntries(Object.entries({ ...members, ...by }).filter(([, value]) => value !== undefined))
}
