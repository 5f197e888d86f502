// The console: what an administrator sees and ends.

import { fill } from '../parts/dom.ts'
import { loginForm } from '../parts/login.ts'
import { logIn } from '../parts/api.ts'
import { emptyState } from '../parts/notice.ts'
import { startPage } from '../parts/page.ts'

void startPage((place, demo) => {
  const onLogin = async (username: string, password: string): Promise<void> => {
    await logIn(demo, username, password)
    fill(place, emptyState('Nothing here yet', 'Users, sessions and edges will be listed here.'))
  }
  fill(place, loginForm({ users: ['admin'], action: 'Open the console', onLogin }))
})
