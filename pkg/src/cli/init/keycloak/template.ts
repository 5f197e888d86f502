import { checkTransport } from '../../../http/plain-http.ts'
import { isObject } from '../../../options.ts'
import { RealmClient } from '../../../origin/connectors/keycloak/client/realm-client.ts'
import { administratorApi, keycloakAt, passwordRefused } from '../../keycloak/admin-api.ts'
import { UsageError } from '../../usage.ts'
import type { Administration, Discovered, InitOptions, Target, Template } from '../template.ts'
import { type Change, sentenceOf } from './change.ts'
import { ACTOR, planOf, READER, undoPlan } from './plan.ts'
import { RealmEditor } from './realm-editor.ts'
import { holds, type RealmState } from './realm-state.ts'

export const keycloak: Template = {
  help: 'the base URL of Keycloak, as the origin reaches it',
  discover,
  administer: ({ url, realm }, administrator) =>
    administration(new RealmEditor(administratorApi(keycloakAt(baseUrlOf(url)), realm, administrator))),
  readChanges,
}

const KINDS: readonly Change['kind'][] = ['realm', 'client', 'mapper', 'account', 'right']

async function discover({ url, realm }: Target): Promise<Discovered> {
  if (realm === 'master')
    throw new UsageError("--realm: 'master' administers Keycloak itself; use the realm to which your users log in")
  const baseUrl = baseUrlOf(url)
  const issuer = await new RealmClient(keycloakAt(baseUrl), realm).issuer()
  const own = `${baseUrl}/realms/${encodeURIComponent(realm)}`
  const notes =
    issuer === own
      ? []
      : [
          'the realm names an issuer at another address than --keycloak: tokens contain that issuer, so portcullis.json does too',
        ]
  return {
    realm: { name: realm, issuer, profile: 'keycloak', jwks: `${own}/protocol/openid-connect/certs` },
    connector: { kind: 'keycloak', baseUrl, realm },
    notes,
  }
}

/** Returns the URL without a trailing slash. */
function baseUrlOf(url: string): string {
  const base = URL.canParse(url) ? new URL(url) : undefined
  if (
    base === undefined ||
    !/^https?:$/.test(base.protocol) ||
    base.username + base.password + base.search + base.hash !== ''
  )
    throw new UsageError('--keycloak must be an https: URL, such as https://id.example.com')
  checkTransport(base, 'loopback', '--keycloak')
  return base.href.replace(/\/+$/, '')
}

/**
 * Returns the operations on a realm. States and changes are defined by this template; the interface passes them back
 * unchanged.
 */
function administration(editor: RealmEditor): Administration {
  return {
    read: () =>
      editor.read().catch((cause: unknown) => {
        throw passwordRefused(cause)
      }),
    plan: (state, options) => planOf(state as RealmState, options),
    undo: (state, done) => undoPlan(state as RealmState, done as readonly Change[]),
    apply: (change) => editor.apply(change as Change),
    isDone: (state, change) => holds(state as RealmState, change as Change, 'after'),
    sentenceOf: (change) => sentenceOf(change as Change),
    accounts: ({ forward }: InitOptions) => [
      { option: 'serviceAccount', clientId: READER },
      ...(forward ? [{ option: 'actingAccount', clientId: ACTOR }] : []),
    ],
    secretOf: ({ clientId }) => editor.secretOf(clientId),
  }
}

function readChanges(written: unknown): readonly Change[] {
  const isChange = (each: unknown): boolean =>
    isObject(each) && KINDS.some((kind) => kind === each['kind']) && 'before' in each && 'after' in each
  if (!Array.isArray(written) || !written.every(isChange)) throw new UsageError('the undo file is not of this version')
  return written as Change[]
}
