// Forms of options that several providers share.

import type { Form } from './provider.ts'

/** Returns a form given by a pattern. */
export function pattern(expected: string, form: RegExp): Form {
  return { expected, test: (value) => typeof value === 'string' && form.test(value) }
}

/** Returns the same form for an option that may be absent. */
export function optional(form: Form): Form {
  return { ...form, need: 'optional' }
}

/** Returns a form for one string of a pattern, or several. */
export function oneOrMore(expected: string, form: RegExp): Form {
  return {
    expected: `one or an array of ${expected}`,
    test: (value) =>
      [value].flat().every((each) => typeof each === 'string' && form.test(each)) && String(value) !== '',
  }
}

/** A URL to which paths are appended. */
export const baseUrl: Form = /* @__PURE__ */ pattern(
  'an https: URL (http: on this machine) without a trailing slash',
  /^(https:\/\/[^/?#@\s]+|http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?)(\/[\w.~-]+)*$/,
)

/** A URL that is used unchanged. */
export const httpsUrl: Form = /* @__PURE__ */ pattern('an https: URL', /^https:\/\/[^/?#@\s]+(\/[^?#@\s]*)?$/)

/** A host name as contained in `iss`, which is compared exactly. */
export const host: Form = /* @__PURE__ */ pattern(
  'a host name in lower case, without scheme and path',
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/,
)

/** A name given by the vendor, as one path segment. */
export const segment: Form = /* @__PURE__ */ pattern("letters, digits, '-', '_' or '.'", /^[\w-][\w.-]{0,127}$/)

/** The value required in `aud`. Not `'none'`, which would disable the check. */
export const audience: Form = /* @__PURE__ */ oneOrMore("audiences, not 'none'", /^(?!none$)[^]+$/)

/** Client ids, one of which a token must name. */
export const clients: Form = /* @__PURE__ */ oneOrMore('client ids', /^(?!none$)[^]+$/)

/** A custom claim, often a URL. */
export const claimName: Form = /* @__PURE__ */ pattern('the name of a claim', /^[\w.:/-]+$/)

/** The realm's name in routes and reports. */
export const realmName: Form = /* @__PURE__ */ optional({ ...segment, expected: "the realm's name at gate and origin" })
