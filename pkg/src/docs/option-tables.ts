import { COMPROMISE_RULES, LOGOUT_RULES, SESSION_RULES } from '../browser/settings.ts'
import { ACCESS_RULES } from '../edge/access/settings.ts'
import { CORS_RULES } from '../edge/cors-policy.ts'
import { GATE_REALM_RULES, GATE_RULES } from '../edge/settings.ts'
import { REFRESH_TOKEN_RULES } from '../issuer/refresh-tokens/settings.ts'
import type { Rule, Rules } from '../options.ts'
import { KEYCLOAK_RULES } from '../origin/connectors/keycloak/options.ts'
import { OIDC_CONNECTOR_RULES } from '../origin/connectors/oidc/options.ts'
import { ORIGIN_RULES, REALM_RULES } from '../origin/settings.ts'
import { TOKEN_RULES } from '../policy.ts'
import { DISCOVER_RULES } from '../providers/discover.ts'
import { checkDocs, type OptionDoc, readInterface } from './tsdoc.ts'

type Docs = ReadonlyMap<string, OptionDoc>

/**
 * Inserts the table of each set of options between its marks: `<!-- options: NAME -->` and `<!-- /options -->`. Throws
 * unless the pages together have each table once.
 */
export function withTables(pages: readonly string[]): string[] {
  const tables = new Map(Object.entries(TABLES))
  const written = pages.map((page) =>
    page.replace(
      /(<!-- options: (\w+) -->\n).*?(<!-- \/options -->)/gs,
      (_, begin: string, name: string, end: string) => {
        const rows = tables.get(name)
        if (rows === undefined) throw new Error(`there are no options called ${name}, or the pages have them twice`)
        tables.delete(name)
        return `${begin}| option | default | description |\n|---|---|---|\n${rows().join('\n')}\n${end}`
      },
    ),
  )
  if (tables.size > 0) throw new Error(`the pages lack tables: ${[...tables.keys()].join(', ')}`)
  return written
}

/** The rows of each table. */
const TABLES: Readonly<Record<string, () => string[]>> = {
  gate: () => rowsOf(GATE_RULES, gateDocs()),
  realm: realmRows,
  access: () => rowsOf(ACCESS_RULES, readInterface('types/access.ts', 'AccessOptions')),
  cors: () => rowsOf(CORS_RULES, readInterface('types/cors.ts', 'CorsOptions')),
  origin: () => rowsOf(ORIGIN_RULES, readInterface('origin/options.ts', 'OriginOptions')),
  keycloak: () => rowsOf(KEYCLOAK_RULES, readInterface('origin/connectors/keycloak/options.ts', 'KeycloakOptions')),
  oidcConnector: () =>
    rowsOf(OIDC_CONNECTOR_RULES, readInterface('origin/connectors/oidc/options.ts', 'OidcConnectorOptions')),
  discover: () => rowsOf(DISCOVER_RULES, readInterface('providers/discover.ts', 'DiscoverOptions')),
  refreshTokens: () =>
    rowsOf(REFRESH_TOKEN_RULES, readInterface('issuer/refresh-tokens/types.ts', 'RefreshTokensOptions')),
  logout: () =>
    rowsOf(
      { ...LOGOUT_RULES, ...COMPROMISE_RULES },
      new Map([
        ...readInterface('browser/types.ts', 'ReportCompromiseOptions'),
        ...readInterface('browser/types.ts', 'LogoutOptions'),
      ]),
    ),
  session: () => rowsOf(SESSION_RULES, readInterface('browser/types.ts', 'SessionOptions')),
}

/** Returns the docs of both kinds of gate: `issuers` from the kind that has it, `realms` from the other. */
function gateDocs(): Docs {
  const [listed, atRunTime] = ['GateOptions', 'RunTimeGateOptions'].map((name) => [
    ...readInterface('types/gate-options.ts', name),
  ])
  return new Map([...(listed ?? []), ...(atRunTime ?? []).filter(([name]) => name === 'issuers')])
}

function rowsOf(rules: Rules, docs: Docs, where = ''): string[] {
  checkDocs(docs, rules, where)
  return Object.entries(rules).map(([name, rule]) => row(name, defaultOf(rule, docs.get(name)), docs.get(name)))
}

/** Returns the rows of realms. Token options, which gate and origin share, precede those of one side. */
function realmRows(): string[] {
  const tokens = readInterface('types/realm.ts', 'TokenOptions')
  const [gate, origin] = [
    readInterface('types/realm.ts', 'RealmOptions'),
    readInterface('origin/options.ts', 'OriginRealm'),
  ]
  const isOwn = ([name, rule]: [string, Rule]): boolean => TOKEN_RULES[name] !== rule
  const own = (rules: Rules): Rules => Object.fromEntries(Object.entries(rules).filter(isOwn))
  const marked = (side: string, rules: Rules, docs: Docs): string[] => {
    checkDocs(docs, rules, side)
    return Object.entries(rules).map(([name, rule]) =>
      row(name, `${side} only, ${defaultOf(rule, docs.get(name))}`, docs.get(name)),
    )
  }
  return [
    ...rowsOf(TOKEN_RULES, tokens),
    ...marked('gate', own(GATE_REALM_RULES), gate),
    ...marked('origin', own(REALM_RULES), origin),
  ]
}

function row(name: string, fallback: string, doc: OptionDoc | undefined): string {
  return `| \`${name}\` | ${escaped(fallback)} | ${escaped(doc?.description ?? '')} |`
}

function defaultOf({ need, fallback }: Rule, doc: OptionDoc | undefined): string {
  if (need === 'required') return 'required'
  const said = doc?.default
  if (said === undefined) return 'none'
  if ('words' in said) return said.words
  const value =
    typeof fallback === 'string'
      ? `'${fallback}'`
      : Array.isArray(fallback)
        ? `['${fallback.join("', '")}']`
        : said.literal
  return `\`${value}\`${said.note === '' ? '' : ` ${said.note}`}`
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|')
}
