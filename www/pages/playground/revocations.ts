// Ways to revoke the token at the origin, which show how the verdict changes when the feed arrives.

import type { Accepted } from 'portcullis/edge'
import { Administrator } from '../parts/administrator.ts'
import { type Demo, request, wordsFor } from '../parts/api.ts'
import { fill, h, say } from '../parts/dom.ts'
import { notice } from '../parts/notice.ts'
import type { Judgement } from './live.ts'

interface Revocation {
  title: string
  /** Reads the subject from the token; returns `undefined` if the claim is missing. */
  subject: (accepted: Accepted) => string | undefined
  run: (subject: string, token: string) => Promise<unknown>
}

const WHO = 'The first button sends the token to the origin; the others act as the demo’s administrator.'

export function showRevocations(demo: Demo): { element: HTMLElement; update(judgement: Judgement): void } {
  const administrator = new Administrator(demo)
  const revocations: readonly Revocation[] = [
    {
      title: 'Revoke this token',
      subject: ({ claims }) => claims.jti,
      run: (_, token) => request('/v1/auth/token/revoke', { method: 'POST', json: { token } }),
    },
    {
      title: 'End its session',
      subject: ({ claims }) => claims.sid,
      run: (sid) => administrator.call(`sessions/${encodeURIComponent(sid)}`, { method: 'DELETE' }),
    },
    {
      title: 'Log the user out everywhere',
      subject: ({ claims }) => claims.sub,
      run: (sub) => administrator.call(`users/${encodeURIComponent(sub)}/logout`, { method: 'POST' }),
    },
    {
      title: 'Log out all users',
      subject: ({ realm }) => realm,
      run: () => administrator.call('logout-all', { method: 'POST' }),
    },
  ]
  let accepted: { token: string; verdict: Accepted } | undefined
  let waiting: { token: string; startedAtMs: number } | undefined

  const outcome = h('div', { role: 'status' })
  const hint = h('p', { class: 'hint' })
  const buttons = revocations.map((revocation) => {
    const on = { click: () => void end(revocation) }
    return { revocation, button: h('button', { type: 'button', class: 'danger', on }, revocation.title) }
  })
  const element = h(
    'section',
    { class: 'panel stack', 'aria-labelledby': 'revocations-title' },
    h('h2', { id: 'revocations-title' }, 'Revoke it'),
    hint,
    h('ul', { class: 'revocations' }, ...buttons.map(({ button }) => h('li', {}, button))),
    outcome,
  )

  async function end({ subject, run }: Revocation): Promise<void> {
    const named = accepted && subject(accepted.verdict)
    if (accepted === undefined || named === undefined || waiting !== undefined) return
    const { token } = accepted
    const mine = { token, startedAtMs: performance.now() }
    waiting = mine
    fill(outcome, h('p', { class: 'loading' }, 'Sending to the origin…'))
    try {
      await administrator.ready()
      // The field contains another token by now, so nothing must be revoked.
      if (waiting !== mine) return
      mine.startedAtMs = performance.now()
      await run(named, token)
      // The feed may have arrived before the response.
      if (waiting === mine) fill(outcome, h('p', { class: 'loading' }, 'Recorded. Waiting for the feed…'))
    } catch (error) {
      if (waiting !== mine) return
      waiting = undefined
      fill(outcome, notice('error', wordsFor(error)))
    }
  }

  function update({ token, verdict }: Judgement): void {
    accepted = verdict?.ok ? { token, verdict } : undefined
    for (const { revocation, button } of buttons) {
      button.disabled = accepted === undefined || revocation.subject(accepted.verdict) === undefined
    }
    say(hint, accepted === undefined ? 'Available once a token is accepted.' : WHO)
    if (waiting === undefined) return
    if (token !== waiting.token) {
      waiting = undefined
      fill(outcome)
    } else if (verdict !== undefined && !verdict.ok) {
      const milliseconds = Math.round(performance.now() - waiting.startedAtMs)
      waiting = undefined
      fill(outcome, notice('good', `Refused in this page ${milliseconds} ms after the request to the origin.`))
    }
  }
  return { element, update }
}
