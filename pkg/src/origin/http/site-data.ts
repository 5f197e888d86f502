import type { SiteData } from '../options.ts'
import type { OriginCors } from './cors.ts'

interface SiteDataSettings {
  clearSiteData: readonly SiteData[]
  /** Names of cookies that hold session data. */
  expireCookies: readonly string[]
}

/**
 * Adds headers that make the browser expire the cookies and clear the data of this origin, if a page of ours logged
 * out. Another site's page cannot cause that, and other clients ignore it.
 */
export async function endingSiteData(
  request: Request,
  response: Response,
  cors: OriginCors,
  settings: SiteDataSettings,
): Promise<Response> {
  if (!(await cors.isOwnPage(request))) return response
  const { clearSiteData, expireCookies } = settings
  // A response's own headers may be immutable.
  const ending = new Response(response.body, response)
  if (clearSiteData.length > 0)
    ending.headers.set('clear-site-data', clearSiteData.map((each) => `"${each}"`).join(', '))
  for (const name of expireCookies) ending.headers.append('set-cookie', setCookie(name, '', 0))
  return ending
}

/**
 * Returns a `Set-Cookie` value for a cookie that no script can read, no other site's page sends, and no other host gets
 * (RFC 6265bis §4.1.2, §4.1.3).
 */
export function setCookie(name: string, value: string, maxAgeSeconds: number): string {
  return `${name}=${value}; Path=/; Max-Age=${maxAgeSeconds}; Secure; HttpOnly; SameSite=Strict`
}

/** Returns the value of a request's cookie. */
export function cookieOf(request: Request, name: string): string | undefined {
  const pairs = (request.headers.get('cookie') ?? '').split(';').map((pair) => pair.trim())
  const value = pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1)
  return value === '' ? undefined : value
}
