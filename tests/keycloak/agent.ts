// A browser without a window: cookies, redirects and forms of one Keycloak.

import { answerOf, send } from './http.ts'

const MOST_REDIRECTS = 10

/** Where a request ended: at a page of Keycloak, or at an address elsewhere, which is not asked. */
export interface Page {
  url: URL
  /** 0 for an address elsewhere. */
  status: number
  text: string
}

export class Agent {
  readonly #site: string
  readonly #cookies = new Map<string, string>()

  /** `site`: the only origin that is asked. `cookies`: those that it has set already, as `Set-Cookie` says them. */
  constructor(site: string, cookies: string[] = []) {
    this.#site = new URL(site).origin
    this.#keep(cookies)
  }

  /** Follows redirects as far as they stay on the site, and not to an address that begins with `until`. */
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
    throw new Error('Keycloak redirects without end')
  }

  /** Fills in the form of a page. */
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

/** The address that the page's form is sent to. */
function actionOf(page: Page): string {
  const action = /<form[^>]*\saction="([^"]+)"/.exec(page.text)?.[1]
  if (action === undefined) throw new Error(`Keycloak answered ${page.status} and no form: ${titleOf(page)}`)
  return action.replaceAll('&amp;', '&')
}

/** The heading of a page of Keycloak, or its title. */
export function titleOf(page: Page): string {
  const [, text = ''] =
    /<h1[^>]*>([\s\S]*?)<\/h1>/.exec(page.text) ?? /<title>([\s\S]*?)<\/title>/.exec(page.text) ?? []
  return text.replace(/<[^>]*>/g, '').trim()
}
