import { PortcullisError } from '../errors.ts'
import { audience, oneOrMore, optional, realmName } from './forms.ts'
import { type Provider, provider } from './provider.ts'

/**
 * Any GitHub workflow can get a token for any audience, so exactly one of the two ids must determine whose tokens are
 * accepted.
 */
export interface GithubActionsOptions {
  /** The audience that the workflow requests: `core.getIDToken(audience)`. */
  audience: string | string[]
  /** The ids of repositories: `gh api repos/OWNER/NAME --jq .id`. */
  repositoryId?: string | string[]
  /** The ids of their owners, for example of an organization: `gh api users/OWNER --jq .id`. */
  ownerId?: string | string[]
  /** The realm's name at gate and origin. Default `github-actions`. */
  name?: string
}

const ids = /* @__PURE__ */ optional(/* @__PURE__ */ oneOrMore('ids, which are digits', /^\d+$/))

/** OpenID Connect tokens of workflows. */
export const githubActions: Provider<GithubActionsOptions> = /* @__PURE__ */ provider<GithubActionsOptions>({
  facts: {
    name: 'GitHub Actions',
    source: 'https://docs.github.com/en/actions/reference/security/oidc',
    readOn: '2026-12-01',
    tokens: 'service account',
    reaches: ['token', 'user', 'realm'],
    hears: { receiver: 'none', how: 'a job may revoke its own token when it is done' },
    lifetimeSeconds: 300,
  },
  options: { audience, repositoryId: ids, ownerId: ids, name: realmName },
  realm: ({ audience, repositoryId, ownerId, name = 'github-actions' }) => {
    const trusted = repositoryId ?? ownerId
    if (trusted === undefined || (repositoryId !== undefined && ownerId !== undefined)) {
      throw new PortcullisError(
        'invalid_option',
        'The options of GitHub Actions must be audience and either repositoryId or ownerId',
      )
    }
    const ids = [trusted].flat()
    return {
      name,
      // All workflows have the same keys and issuer, so the realm is identified by the repositories.
      issuerClaim: repositoryId === undefined ? 'repository_owner_id' : 'repository_id',
      issuer: ids,
      ...(ids.length > 1 && { sameSubjects: true }),
      audience,
      algorithms: ['RS256'],
      jwks: 'https://token.actions.githubusercontent.com/.well-known/jwks',
    }
  },
})
