// Every check with its outcome, in the order in which they run.

import type { Check, Reason } from 'portcullis/edge'
import { h, say } from '../parts/dom.ts'
import type { Judgement } from './live.ts'

/** The groups and a title for each check; a check that is not listed is shown by its own name. */
const GROUPS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Form: { form: 'A compact JWS, strictly spelt' },
  Header: { realm: 'Issuer is known', algorithm: 'Algorithm is allowed', type: 'Type fits' },
  Key: { key: 'Key is known and not banned' },
  Signature: { signature: 'Signature is that key’s' },
  Claims: {
    claims: 'Claims have the right types',
    token_use: 'An access token',
    binding: 'Not bound to a key',
    audience: 'Audience is ours',
    expiry: 'Not expired',
    not_before: 'Valid already',
    issued_at: 'Not issued in the future',
    lifetime: 'Lives no longer than allowed',
    required_claims: 'Nothing required is missing',
    login: 'Login is recent enough',
  },
  Revocation: { feed: 'Revocations are known', revocation: 'Not revoked', freshness: 'Revocations are fresh' },
}

/** The levels of the check `revocation`, widest first: the first that refuses gives the reason. */
const LEVELS: readonly { reason: Reason; title: string }[] = [
  { reason: 'realm_revoked', title: 'Everybody' },
  { reason: 'client_revoked', title: 'The client' },
  { reason: 'banned_key', title: 'The key’s not-before' },
  { reason: 'user_revoked', title: 'The user' },
  { reason: 'session_revoked', title: 'The session' },
  { reason: 'grant_revoked', title: 'The client of this user' },
  { reason: 'version_revoked', title: 'The token’s version' },
  { reason: 'token_revoked', title: 'This token' },
]

type Outcome = Check['outcome']

const WORDS: Readonly<Record<Outcome, string>> = { passed: 'Passed', failed: 'Failed', not_reached: 'Not reached' }
const MARKS: Readonly<Record<Outcome, string>> = { passed: '✓', failed: '✕', not_reached: '·' }

/** `plan` names the checks; each has its row for as long as the page stands. */
export function showChecks(plan: readonly Check[]): { element: HTMLElement; update(judgement: Judgement): void } {
  const rows = new Map(plan.map(({ check }) => [check, new Row(titleOf(check))]))
  const levels = LEVELS.map(({ title, reason }) => ({ reason, row: new Row(title) }))
  const levelList = h('ul', { class: 'checks levels', 'aria-label': 'Levels' }, ...levels.map(({ row }) => row.element))
  rows.get('revocation')?.element.append(levelList)

  const groups = [...new Set(plan.map(({ check }) => groupOf(check)))].map((title) => {
    const members = plan.filter(({ check }) => groupOf(check) === title)
    const items = members.flatMap(({ check }) => rows.get(check)?.element ?? [])
    const list = h('ul', { class: 'checks', 'aria-label': title }, ...items)
    return h('div', { class: 'check-group' }, h('h3', {}, title), list)
  })
  const element = h(
    'section',
    { class: 'panel', 'aria-labelledby': 'checks-title' },
    h('h2', { id: 'checks-title' }, 'Check by check'),
    ...groups,
  )
  return {
    element,
    update({ checks }) {
      for (const { check, outcome, reason, detail } of checks) {
        rows.get(check)?.show(outcome, reason, detail)
        if (check === 'revocation') showLevels(outcome, reason)
      }
    },
  }

  function showLevels(outcome: Outcome, reason: Reason | undefined): void {
    const failing = levels.findIndex((level) => level.reason === reason)
    levels.forEach(({ row }, index) => {
      // A level is only known to have passed when all have, or when a later one failed.
      if (outcome === 'passed' || index < failing) row.show('passed')
      else if (index === failing) row.show('failed')
      else row.show('not_reached')
    })
  }
}

/** One line of the list, changed in place so that reader and focus stay where they are. */
class Row {
  readonly element: HTMLLIElement
  readonly #mark = h('span', { class: 'mark', 'aria-hidden': 'true' })
  readonly #word = h('span', { class: 'visually-hidden' })
  readonly #reason = h('code', { class: 'check-reason' })
  readonly #detail = h('span', { class: 'check-detail' })

  constructor(title: string) {
    const line = h('span', { class: 'check-line' }, h('span', {}, title), this.#reason, this.#detail)
    this.element = h('li', { class: 'check' }, this.#mark, this.#word, line)
    this.show('not_reached')
  }

  show(outcome: Outcome, reason?: Reason, detail?: string): void {
    this.element.dataset['outcome'] = outcome
    say(this.#mark, MARKS[outcome])
    say(this.#word, `${WORDS[outcome]}: `)
    say(this.#reason, reason ?? '')
    say(this.#detail, detail ?? '')
  }
}

function groupOf(check: string): string {
  return Object.entries(GROUPS).find(([, members]) => Object.hasOwn(members, check))?.[0] ?? 'Other'
}

function titleOf(check: string): string {
  return GROUPS[groupOf(check)]?.[check] ?? check
}
