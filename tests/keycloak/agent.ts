// A minimal browser for one Keycloak: cookies, redirects and forms.

import { answerOf, send } from './http.ts'

const MOST_REDIRECTS = 10

/** The end of a request: a page of Keycloak, or a URL elsewhere, which is not requested. */
export interface Page {
  url: URL
  /** 0 for a URL elsewhere. */
  status: number
  text: string
}

export class Agent {
  readonly #site: string
  readonly #cookies = new Map<string, string>()

  /** `site` is the only origin that gets requests. `cookies` are already set, in the format of `Set-Cookie`. */
  constructor(site: string, cookies: string[] = []) {
    this.#site = new URL(site).origin
    this.#keep(cookies)
  }

  /** Follows redirects within the site, but not to a URL that begins with `until`. */
  async open(url: string | URL, until: string, form?: Record<string, string>): Promise<Page> {
    let next = new URL(url)
    let body = form === undefined ? undefined : new URLSearchParams(form)
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects += 1) {
      if (next.origin !== this.#site || next.href.startsWith(until)) return { url: next, status: 0, text: '' }
      const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const answer = await answerOf(
        await send(next.href, { headers: { cookie }, ...(body === undefined ? {} : { method: 'POST', body }) }),
      )
      this.#keep(answer.headers.getSetCookie())
      const location = answer.headers.get('location')
      if (location === null) return { url: next, status: answer.status, text: answer.text }
      next = new URL(location, next)
      body = undefined
    }
    throw new Error('too many redirects from Keycloak')
  }

  /** Submits the form of a page. */
  submit(page: Page, until: string, fields: Record<string, string>): Promise<Page> {
    return this.open(new URL(actionOf(page), page.url), until, fields)
  }

  #keep(cookies: string[]): void {
    for (const cookie of cookies) {
      const [pair = '', ...attributes] = cookie.split(';')
      const at = pair.indexOf('=')
      const [name, value] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()]
      if (attributes.some((attribute) => /^\s*max-age=0$/i.test(attribute))) this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
  }
}

/** Returns the URL of the page's form. */
function actionOf(page: Page): string {
  const action = /<form[^>]*\saction="([^"]+)"/.exec(page.text)?.[1]
  if (action === undefined) throw new Error(`Keycloak returned ${page.status} without a form: ${titleOf(page)}`)
  return action.replaceAll('&amp;', '&')
}

/** Returns the heading of a page of Keycloak, or its title. */
export function titleOf(page: Page): string {
  const [, text = ''] =
    /<h1[^>]*>([\s\S]*?)<\/h1>/.exec(page.text) ?? /<title>([\s\S]*?)<\/title>/.exec(page.text) ?? []
  return text.replace(/<[^>]*>/g, '').trim()
}
