/** One line of a check: its subject and its result. */
export interface Finding {
  /** Names the check, for programs, such as `logout_urls`. */
  readonly check: string
  /**
   * `failure`: revocations are lost, or valid tokens refused. `warning`: some revocations are late, or the setup is
   * less safe. `unchecked`: a right is missing.
   */
  readonly level: 'ok' | 'warning' | 'failure' | 'unchecked'
  readonly says: string
  /** Instructions for a person. */
  readonly fix?: string
}

export function ok(check: string, says: string): Finding {
  return { check, level: 'ok', says: printable(says) }
}

export function warning(check: string, says: string, fix: string): Finding {
  return { check, level: 'warning', says: printable(says), fix: printable(fix) }
}

export function failure(check: string, says: string, fix: string): Finding {
  return { check, level: 'failure', says: printable(says), fix: printable(fix) }
}

export function unchecked(check: string, says: string, fix: string): Finding {
  return { check, level: 'unchecked', says: printable(says), fix: printable(fix) }
}

/** Control characters, line separators and bidirectional overrides. */
const NOT_PRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** Removes characters that a terminal interprets, because parts of the string come from other servers. */
function printable(text: string): string {
  return text.replace(NOT_PRINTABLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
}

/** The findings of one connector. */
interface ConnectorFindings {
  readonly connector: string
  readonly realm: string
  readonly findings: readonly Finding[]
}

/** The findings about one realm of a gate. */
export interface GateFindings {
  /** The file or URL of the gate's status. */
  readonly gate: string
  readonly realm: string
  readonly findings: readonly Finding[]
}

/** The findings about one realm's issuer. */
interface IssuerFindings {
  /** The first name of the issuer. */
  readonly issuer: string
  readonly realm: string
  readonly findings: readonly Finding[]
}

/** The findings about a running origin. */
export interface OriginFindings {
  /** Its URL. */
  readonly origin: string
  readonly findings: readonly Finding[]
}

export type Findings = ConnectorFindings | GateFindings | IssuerFindings | OriginFindings

/** Returns one line for each finding; the best practices of a connector follow as a check list. */
export function findingsText(all: Findings): string {
  const [practices, others] = [all.findings.filter(isPractice), all.findings.filter((each) => !isPractice(each))]
  const lines = others.map((each) => `  ${each.level.padEnd(10)}${each.check}: ${sentence(each)}\n`).join('')
  const ticks = practices.map((each) => `  [${TICKS[each.level]}] ${sentence(each)}\n`).join('')
  return `${subjectOf(all)}\n${lines}${'connector' in all ? `Best practices\n${ticks}` : ''}`
}

function subjectOf(all: Findings): string {
  if ('origin' in all) return `origin ${all.origin}`
  if ('gate' in all) return `gate ${all.gate}, realm ${all.realm}`
  if ('issuer' in all) return `issuer ${all.issuer}, realm ${all.realm}`
  return `${all.connector}, realm ${all.realm}`
}

/** Returns a value that another server sent, quoted and truncated. */
export function quoted(value: string): string {
  return JSON.stringify(value.length > MAX_QUOTED_CHARACTERS ? `${value.slice(0, MAX_QUOTED_CHARACTERS)}…` : value)
}

const MAX_QUOTED_CHARACTERS = 200

/** The prefix of the checks for best practices. */
export const PRACTICE = 'practice_'
const TICKS = { ok: 'x', warning: ' ', failure: ' ', unchecked: '?' } as const

function isPractice({ check }: Finding): boolean {
  return check.startsWith(PRACTICE)
}

function sentence({ says, fix }: Finding): string {
  return fix === undefined ? says : `${says}; ${fix}`
}
