/**
 * Suffixes below which anyone can have a host, from the private section of the Public Suffix List
 * (https://publicsuffix.org, read 2026-11): the hosting services and tunnels that web applications are deployed to
 * most. The whole list has 10,000 lines, too many for an edge worker.
 */
export const HOSTING_SUFFIXES: readonly string[] = (
  'a.run.app amplifyapp.com appspot.com azurestaticapps.net azurewebsites.net cloudfront.net deno.dev firebaseapp.com fly.dev github.io ' +
  'gitlab.io herokuapp.com lovable.app netlify.app ngrok-free.app ngrok.io onrender.com pages.dev replit.app surge.sh trycloudflare.com ' +
  'up.railway.app vercel.app web.app workers.dev'
).split(' ')

/**
 * Registries' own second level, such as `co.uk`; in a few countries that is one owner's domain, which costs no more
 * than a warning.
 */
const REGISTRY_SUFFIX = /^(?:ac|com?|edu|gov|net|org)\.[a-z]{2}$/

/** Whether strangers can have hosts below a DNS suffix, as far as is known here. */
export function isSharedSuffix(suffix: string): boolean {
  const isTopLevel = !suffix.includes('.')
  return (isTopLevel && suffix !== 'localhost') || REGISTRY_SUFFIX.test(suffix) || HOSTING_SUFFIXES.includes(suffix)
}
