// The demo's administrator, for pages on which somebody else is logged in.

import { administer, type Answer, ApiError, type ApiRequest, type Demo, logIn } from './api.ts'
import { passwordOf } from './login.ts'

const ADMINISTRATOR = 'admin'

/** Logs in when it is first needed, and again when its token is no longer taken. */
export class Administrator {
  readonly #demo: Demo
  #token: string | undefined

  constructor(demo: Demo) {
    this.#demo = demo
  }

  /** Calls a route of the realm, such as `users/{id}/logout`. Rejects with `ApiError`. */
  async call(path: string, asked: Omit<ApiRequest, 'token'>): Promise<Answer> {
    if (this.#token !== undefined) {
      try {
        return await administer(this.#demo, path, { ...asked, token: this.#token })
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 401) throw error
      }
    }
    const { access_token: token } = await logIn(this.#demo, ADMINISTRATOR, passwordOf(ADMINISTRATOR))
    this.#token = token
    return administer(this.#demo, path, { ...asked, token })
  }
}
