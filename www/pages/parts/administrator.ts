// The demo's administrator, for pages on which another user is logged in.

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
    const token = await this.ready()
    try {
      return await administer(this.#demo, path, { ...asked, token })
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error
      this.#token = undefined
      return administer(this.#demo, path, { ...asked, token: await this.ready() })
    }
  }

  /** Logs in now, so that a call that is timed need not. Rejects with `ApiError`. */
  async ready(): Promise<string> {
    this.#token ??= (await logIn(this.#demo, ADMINISTRATOR, passwordOf(ADMINISTRATOR))).access_token
    return this.#token
  }
}
