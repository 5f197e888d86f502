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
  help: 'the base URL of a Keycloak, as the origin reaches it',
  discover,
  administer: ({ url, realm }, administrator) =>
    administration(new RealmEditor(administratorApi(keycloakAt(baseUrlOf(url)), realm, administrator))),
  readChanges,
}

const KINDS: readonly Change['kind'][] = ['realm', 'client', 'mapper', 'account', 'right']

async function discover({ url, realm }: Target): Promise<Discovered> {
  if (realm === 'master')
    throw new UsageError("--realm: 'master' administers Keycloak itself; take the realm that your users log in to")
  const baseUrl = baseUrlOf(url)
  const issuer = await new RealmClient(keycloakAt(baseUrl), realm).issuer()
  const own = `${baseUrl}/realms/${encodeURIComponent(realm)}`
  const notes =
    issuer === own
      ? []
      : [
          'the issuer that the realm names is at another address than --keycloak: its tokens carry it, so it stands in portcullis.json',
        ]
  return {
    realm: { name: realm, issuer, profile: 'keycloak', jwks: `${own}/protocol/openid-connect/certs` },
    connector: { kind: 'keycloak', baseUrl, realm },
    notes,
  }
}

/** Without a slash at its end. */
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

/** States and changes of this template are its own; the interface hands them back unchanged. */
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
  if (!Array.isArray(written) || !written.every(isChange))
    throw new UsageError('the undo file is not one of this version')
  return written as Change[]
}
