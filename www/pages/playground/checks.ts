// Shows every check with its outcome, in the order in which they run.

import type { Check, Reason } from 'portcullis/edge'
import { h, say } from '../parts/dom.ts'
import type { Judgement } from './live.ts'

/** The groups, and a title for each check. A check that is not listed is shown under its own name. */
const GROUPS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Form: { form: 'A strictly encoded compact JWS' },
  Header: { realm: 'Issuer is known', algorithm: 'Algorithm is allowed', type: 'Type is accepted' },
  Key: { key: 'Key is known and not banned' },
  Signature: { signature: 'Signature is valid' },
  Claims: {
    claims: 'Claims have the right types',
    token_use: 'An access token',
    binding: 'Not sender-constrained',
    audience: 'Audience is accepted',
    expiry: 'Not expired',
    not_before: 'Already valid',
    issued_at: 'Not issued in the future',
    lifetime: 'Lifetime is allowed',
    required_claims: 'Required claims are present',
    login: 'Login is recent enough',
  },
  Revocation: { feed: 'Revocations are known', revocation: 'Not revoked', freshness: 'Revocations are fresh' },
}

/** The levels of the check `revocation`, widest first. The first level that refuses gives the reason. */
const LEVELS: readonly { reason: Reason; title: string }[] = [
  { reason: 'realm_revoked', title: 'All users' },
  { reason: 'client_revoked', title: 'Client' },
  { reason: 'banned_key', title: 'Key’s not-before' },
  { reason: 'user_revoked', title: 'User' },
  { reason: 'session_revoked', title: 'Session' },
  { reason: 'grant_revoked', title: 'App of this user' },
  { reason: 'version_revoked', title: 'Token version' },
  { reason: 'token_revoked', title: 'This token' },
]

type Outcome = Check['outcome']

const WORDS: Readonly<Record<Outcome, string>> = { passed: 'Passed', failed: 'Failed', not_reached: 'Not reached' }
const MARKS: Readonly<Record<Outcome, string>> = { passed: '✓', failed: '✕', not_reached: '·' }

/** Shows the checks in `plan`. Each keeps its row for as long as the page is open. */
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
      // A level is known to have passed only if all have passed or a later one has failed.
      if (outcome === 'passed' || index < failing) row.show('passed')
      else if (index === failing) row.show('failed')
      else row.show('not_reached')
    })
  }
}

/** A row of the list, updated in place so that the screen reader and the focus stay where they are. */
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
