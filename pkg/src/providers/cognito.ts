import { clients, pattern, realmName } from './forms.ts'
import { type Provider, provider } from './provider.ts'

export interface CognitoOptions {
  /** The user pool's id, which begins with its region: `eu-west-1_a1B2c3D4e`. */
  userPoolId: string
  /** The ids of the app clients whose tokens are accepted. */
  clientId: string | string[]
  /** The realm's name at gate and origin. Default: `cognito`. */
  name?: string
}

/** Access tokens of a user pool of Amazon Cognito. */
export const cognito: Provider<CognitoOptions> = /* @__PURE__ */ provider<CognitoOptions>({
  facts: {
    name: 'Amazon Cognito',
    source:
      'https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html',
    readOn: '2026-12-01',
    tokens: 'access',
    reaches: ['token', 'session', 'user', 'client', 'grant', 'realm'],
    hears: { receiver: 'none', how: 'your sign-out calls endSession or logoutUser' },
  },
  options: {
    userPoolId: pattern('a user pool id with its region', /^[a-z]{2}(-[a-z]+)+-\d_\w{1,55}$/),
    clientId: clients,
    name: realmName,
  },
  realm: ({ userPoolId, clientId, name = 'cognito' }) => {
    const issuer = `https://cognito-idp.${userPoolId.split('_')[0]}.amazonaws.com/${userPoolId}`
    return {
      name,
      issuer,
      // Access tokens have `client_id` instead of `aud`, and `token_use` distinguishes them from ID tokens.
      audience: 'none',
      authorizedParty: clientId,
      requiredClaims: ['exp', 'iat', 'sub', 'jti', 'token_use'],
      claimNames: { session: 'origin_jti' },
      jwks: `${issuer}/.well-known/jwks.json`,
    }
  },
})
