// The console after the login: one section at a time, and the outcome of the last action.

import type { Demo } from '../parts/api.ts'
import { fill, h } from '../parts/dom.ts'
import { notice } from '../parts/notice.ts'
import { Administration, type Enforcement } from './administration.ts'
import { correctionsSection } from './corrections.ts'
import type { Deed, Desk, Section } from './desk.ts'
import { confirm } from './dialog.ts'
import { edgesSection } from './edges.ts'
import { eventsSection } from './events.ts'
import { keysSection } from './keys.ts'
import { hashLink } from './links.ts'
import { openLive } from './live.ts'
import { SECTION_TITLE } from './panel.ts'
import type { AdminSession } from './session.ts'
import { usersSection } from './users.ts'
import { enforcementWords } from './words.ts'

const SECTIONS: readonly [Section, ...Section[]] = [
  usersSection,
  keysSection,
  edgesSection,
  eventsSection,
  correctionsSection,
]

interface WorkbenchOptions {
  demo: Demo
  session: AdminSession
  /** Called when an action also ended the administrator's own login; `words` describe the action. */
  onOwnLogin: (words: string) => void
  /** Called when the administrator requests a logout. */
  onLogOut: () => void
  /** Aborted by the logout. */
  signal: AbortSignal
}

export function openWorkbench({ demo, session, onOwnLogin, onLogOut, signal }: WorkbenchOptions): readonly Node[] {
  const administration = new Administration(demo, session.ask)
  const live = openLive(demo, signal)
  const outcome = h('div', { id: 'outcome', role: 'status', 'aria-live': 'polite' })
  const title = h('h2', { id: SECTION_TITLE, tabindex: -1 })
  const body = h('div', { class: 'section-body' })
  const links = SECTIONS.map((section) => hashLink(`#${section.name}`, section.title))
  const names = new Map<string, string>()
  let left = new AbortController()

  async function perform({ done, ownLogin = 'goes_on', run, ...question }: Deed): Promise<boolean> {
    let enforcement: Enforcement | undefined
    const isDone = await confirm({ ...question, run: async (reason) => void (enforcement = await run(reason)) })
    if (isDone && enforcement !== undefined) {
      live.enforced(enforcement)
      const words = `${done} ${enforcementWords(enforcement)}`
      if ((typeof ownLogin === 'function' ? ownLogin() : ownLogin) === 'ends') {
        onOwnLogin(words)
        return false
      }
      // After the dialog has closed: while it is open, screen readers announce nothing else.
      fill(outcome, notice(enforcement.missing.length === 0 ? 'good' : 'warning', words))
    }
    if (!isOnPage(document.activeElement)) title.focus({ preventScroll: true })
    return isDone
  }

  /** Shows the section named in the URL fragment; any other fragment changes nothing. */
  function navigate(event?: Event): void {
    const [path = '', query = ''] = location.hash.slice(1).split('?', 2)
    const [name = '', rest] = path.split('/', 2)
    const section = SECTIONS.find((each) => each.name === name) ?? (event === undefined ? SECTIONS[0] : undefined)
    if (section === undefined) return
    left.abort()
    left = new AbortController()
    const desk: Desk = {
      demo,
      administration,
      session,
      perform,
      nameOf: (sub) => names.get(sub),
      signal: AbortSignal.any([signal, left.signal]),
    }
    for (const [index, link] of links.entries()) {
      if (SECTIONS[index] === section) link.setAttribute('aria-current', 'page')
      else link.removeAttribute('aria-current')
    }
    fill(title, section.title)
    fill(body, ...section.open(desk, rest === undefined ? undefined : decoded(rest), new URLSearchParams(query)))
    if (event !== undefined) title.focus({ preventScroll: true })
  }

  async function start(): Promise<void> {
    // Without the users, their subjects are shown instead of names.
    const users = (await administration.users({ first: 0, max: 1_000 }).catch(() => [])) ?? []
    for (const { id, username } of users) names.set(id, username)
    if (signal.aborted) return
    addEventListener('hashchange', navigate, { signal })
    navigate()
  }
  signal.addEventListener('abort', () => left.abort())
  fill(body, h('p', { class: 'loading' }, 'Loading…'))
  void start()

  return [
    h(
      'div',
      { class: 'account' },
      h(
        'p',
        {},
        'Logged in as ',
        h('strong', {}, session.identity.username),
        ' in the realm ',
        h('strong', {}, demo.realm),
      ),
      h('button', { type: 'button', on: { click: onLogOut } }, 'Log out'),
    ),
    outcome,
    h(
      'div',
      { class: 'bench' },
      h(
        'div',
        { class: 'work' },
        h(
          'nav',
          { class: 'sections', 'aria-label': 'Sections of the console' },
          h('ul', {}, ...links.map((link) => h('li', {}, link))),
        ),
        h('section', { 'aria-labelledby': title.id }, title, body),
      ),
      live.element,
    ),
  ]
}

function isOnPage(element: Element | null): boolean {
  return element !== null && element !== document.body && element.isConnected
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
