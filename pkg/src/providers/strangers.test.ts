// Tokens of the vendor's other customers. Vendors sign for all of them with one key, or anyone can become a customer,
// so only the options distinguish them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Reason } from '../reasons.ts'
import type { Verdict } from '../types.ts'
import { openProviderStage } from './testing/provider-stage.ts'
import { atNow, exportedProviders, vectorsOf } from './testing/vectors.ts'

interface Stranger {
  who: string
  /** Changes to the first accepted token. */
  claims: Record<string, unknown>
  reason: Reason
  /** In addition to those of the vectors. */
  options?: Record<string, unknown>
}

/** Tenants of Entra ID: of the vectors, another in a list, and one that is in no list. */
const TENANT = String(vectorsOf('entra').options['tenant'])
const [ANOTHER, UNLISTED] = ['1', '2'].map((digit) => `${digit.repeat(8)}-0000-4000-8000-${digit.repeat(12)}`)
const ofIssuer = (who: string, iss: string): Stranger => ({ who, claims: { iss }, reason: 'wrong_issuer' })
const ofTenant = (who: string, iss: string | undefined, tid: string | undefined, reason: Reason): Stranger => ({
  who,
  claims: { iss: `https://login.microsoftonline.com/${iss}/v2.0`, tid },
  reason,
  options: { tenant: [TENANT, ANOTHER] },
})

/** By the name of the function. */
const STRANGERS: Readonly<Record<string, readonly Stranger[]>> = {
  auth0: [ofIssuer('another tenant', 'https://stranger.eu.auth0.com/')],
  authentik: [ofIssuer('another installation', 'https://authentik.stranger.example/application/o/notes/')],
  clerk: [ofIssuer('another application', 'https://stranger.clerk.accounts.dev')],
  cloudflareAccess: [
    ofIssuer('another team', 'https://stranger.cloudflareaccess.com'),
    { who: 'another application of the team', claims: { aud: ['f'.repeat(64)] }, reason: 'wrong_audience' },
  ],
  cognito: [ofIssuer('another user pool', 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Stranger')],
  entra: [
    ofIssuer('another tenant', `https://login.microsoftonline.com/${UNLISTED}/v2.0`),
    ofTenant('a tenant that the list does not allow', UNLISTED, UNLISTED, 'wrong_issuer'),
    ofTenant(
      'a tenant that the list does not allow, under the name of one that it does',
      TENANT,
      UNLISTED,
      'wrong_issuer',
    ),
    ofTenant('one tenant of the list under the name of the other', TENANT, ANOTHER, 'wrong_issuer'),
  ],
  firebase: [ofIssuer('another project', 'https://securetoken.google.com/stranger')],
  githubActions: [
    {
      who: 'another repository',
      claims: { repository_id: '666', sub: 'repo:stranger/repo:ref:refs/heads/main' },
      reason: 'wrong_issuer',
    },
    { who: 'a repository of no id', claims: { repository_id: undefined }, reason: 'wrong_issuer' },
  ],
  google: [
    { who: "another app's sign-in", claims: { aud: 'stranger.apps.googleusercontent.com' }, reason: 'wrong_audience' },
  ],
  keycloak: [ofIssuer('another realm', 'https://id.example.com/realms/stranger')],
  kubernetes: [ofIssuer('another cluster', 'https://oidc.eks.eu-west-1.amazonaws.com/id/STRANGER')],
  okta: [ofIssuer('another org', 'https://stranger.okta.com/oauth2/default')],
  supabase: [ofIssuer('another project', 'https://stranger.supabase.co/auth/v1')],
  workos: [
    ofIssuer('another environment', 'https://api.workos.com/user_management/client_stranger'),
    {
      who: "another environment, under the issuer's older name",
      claims: { client_id: 'client_stranger' },
      reason: 'wrong_audience',
    },
  ],
  zitadel: [
    ofIssuer('another instance', 'https://stranger.zitadel.cloud'),
    { who: 'another project of the instance', claims: { aud: ['666'] }, reason: 'wrong_audience' },
  ],
}

for (const { name, file, provider } of exportedProviders()) {
  const strangers = STRANGERS[name] ?? []
  test(`${name} has a stranger`, () => assert.ok(strangers.length > 0))
  for (const { who, claims, reason, options } of strangers) {
    test(`${name} refuses ${who}, even with the right key`, async (t) => {
      const vectors = vectorsOf(file)
      const [shape] = vectors.accepted
      assert.ok(shape !== undefined)
      const stage = await openProviderStage(t, provider({ ...vectors.options, ...options }), shape.header)
      const verdictOn = async (changed: object): Promise<Verdict> =>
        stage.check(await stage.sign({ header: shape.header, claims: atNow({ ...shape.claims, ...changed }) }))
      assert.equal((await verdictOn({})).ok, true)
      assert.deepEqual(await verdictOn(claims), { ok: false, reason, status: 401 })
    })
  }
}
