// Calls as the demo's administrator, for pages on which another user is logged in.

import { administer, type Answer, ApiError, type ApiRequest, type Demo, logIn } from './api.ts'
import { passwordOf } from './login.ts'

const ADMINISTRATOR = 'admin'

/** Logs in at the first call, and again when its token is no longer accepted. */
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

  /** Logs in now, so that the login does not count in a timed call. Rejects with `ApiError`. */
  async ready(): Promise<string> {
    this.#token ??= (await logIn(this.#demo, ADMINISTRATOR, passwordOf(ADMINISTRATOR))).access_token
    return this.#token
  }
}
