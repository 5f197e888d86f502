// The administrator's console: users, sessions, keys, edges and the audit log.

import 'uplot/dist/uPlot.min.css'
import './console.css'
import type { SignOutReason } from 'portcullis/browser'
import { fill, h } from '../parts/dom.ts'
import { loginForm } from '../parts/login.ts'
import { notice } from '../parts/notice.ts'
import { startPage } from '../parts/page.ts'
import { AdminSession } from './session.ts'
import { openWorkbench } from './workbench.ts'

const ENDED: Readonly<Record<SignOutReason, string>> = {
  logout: 'You are logged out.',
  other_tab: 'You were logged out in another tab.',
  refused: 'Your login was ended. Log in again to continue.',
  expired: 'Your login has expired. Log in again to continue.',
  compromised: 'Your login was ended because it was reported as compromised.',
}

void startPage(async (place, demo) => {
  let loggedIn: AbortController | undefined
  const session = await AdminSession.open(demo, {
    onLoggedIn: showWorkbench,
    onLoggedOut: (reason) => leave(ENDED[reason]),
  })
  if (session.isLoggedIn) showWorkbench()
  else showLogin()

  function showWorkbench(): void {
    loggedIn?.abort()
    loggedIn = new AbortController()
    const { signal } = loggedIn
    const onOwnLogin = (done: string): void => {
      leave(`${done} This also ended your own login.`)
      void session.logOut()
    }
    const onLogOut = (): void => void session.logOut()
    fill(place, ...openWorkbench({ demo, session, onOwnLogin, onLogOut, signal }))
  }

  /** Only the first reason for a logout is shown. */
  function leave(why: string): void {
    if (loggedIn === undefined) return
    loggedIn.abort()
    loggedIn = undefined
    showLogin(why)
  }

  function showLogin(why?: string): void {
    const said = h('div', { role: 'status' })
    const onLogin = (username: string, password: string): Promise<void> => session.logIn(username, password)
    const form = loginForm({ users: ['admin'], onLogin })
    fill(place, said, h('div', { class: 'panel entrance' }, h('h2', {}, 'Log in as an administrator'), form))
    if (why === undefined) return
    fill(said, notice('info', why))
    form.querySelector('button')?.focus()
  }
})
