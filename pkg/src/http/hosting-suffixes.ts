/**
 * Suffixes under which anyone can get a host name, from the private section of the Public Suffix List
 * (https://publicsuffix.org, read 2026-11): the hosting services and tunnels to which web applications are most often
 * deployed. The whole list has 10,000 lines, too many for an edge worker.
 */
export const HOSTING_SUFFIXES: readonly string[] = (
  'a.run.app amplifyapp.com appspot.com azurestaticapps.net azurewebsites.net cloudfront.net deno.dev firebaseapp.com fly.dev github.io ' +
  'gitlab.io herokuapp.com lovable.app netlify.app ngrok-free.app ngrok.io onrender.com pages.dev replit.app surge.sh trycloudflare.com ' +
  'up.railway.app vercel.app web.app workers.dev'
).split(' ')

/**
 * A registry's second-level suffix, such as `co.uk`. In a few countries it is one owner's domain, which only costs a
 * warning.
 */
const REGISTRY_SUFFIX = /^(?:ac|com?|edu|gov|net|org)\.[a-z]{2}$/

/** Returns whether strangers are known to be able to get host names under a DNS suffix. */
export function isSharedSuffix(suffix: string): boolean {
  const isTopLevel = !suffix.includes('.')
  return (isTopLevel && suffix !== 'localhost') || REGISTRY_SUFFIX.test(suffix) || HOSTING_SUFFIXES.includes(suffix)
}
