import type { PortcullisError } from '../../errors.ts'
import {
  callback,
  checkOptions,
  defaultsOf,
  given,
  integer,
  invalid,
  isObject,
  opaque,
  required,
  rule,
  type Rules,
  string,
  withDefault,
} from '../../options.ts'
import type { RefreshTokensOptions } from './types.ts'

/** The options with all defaults applied. */
export type Settings = Required<Omit<RefreshTokensOptions, 'path' | 'database'>> &
  Pick<RefreshTokensOptions, 'path' | 'database'>

/** Validates the options and applies the defaults. Throws `invalid_option`. */
export function resolveRefreshTokensSettings(options: RefreshTokensOptions): Settings {
  checkOptions(options, RULES)
  if ((options.path === undefined) === (options.database === undefined))
    throw invalid('options must have either path or database')
  return { ...defaultsOf(RULES), nowMs: Date.now, onReport: warn, ...given(options) }
}

const RULES = {
  path: string,
  database: opaque,
  realm: required(string),
  origin: required(
    rule(
      'an origin',
      (value) => isObject(value) && ['endSession', 'refuses'].every((verb) => typeof value[verb] === 'function'),
    ),
  ),
  idleSeconds: withDefault(integer('whole seconds', 1), 1_800),
  maxSeconds: withDefault(integer('whole seconds', 1), 36_000),
  reuseGraceSeconds: withDefault(integer('whole seconds', 0, 300), 0),
  nowMs: callback,
  onReport: callback,
} satisfies Rules

export const REFRESH_TOKEN_RULES: Rules = RULES

function warn({ realm, error }: { realm?: string; error: PortcullisError | undefined }): void {
  const what =
    error === undefined ? 'has recorded all ended sessions' : `could not record an ended session: ${error.message}`
  console.warn(`portcullis: the ledger (${realm}) ${what}`)
}
