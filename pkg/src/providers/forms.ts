// The forms of options that several providers take.

import type { Form } from './provider.ts'

/** A form given by a pattern. */
export function pattern(expected: string, form: RegExp): Form {
  return { expected, test: (value) => typeof value === 'string' && form.test(value) }
}

/** The same form for an option that may be left out. */
export function optional(form: Form): Form {
  return { ...form, need: 'optional' }
}

/** A host name as it stands in `iss`, which is compared letter by letter. */
export const host: Form = /* @__PURE__ */ pattern(
  'a host name in lower case, without scheme and path',
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/,
)

/** A name that the vendor gave, as one segment of a path. */
export const segment: Form = /* @__PURE__ */ pattern("letters, digits, '-', '_' or '.'", /^[\w-][\w.-]{0,127}$/)

/** What must be in `aud`. Not `'none'`, which would switch the check off. */
export const audience: Form = {
  expected: "a string or an array of strings, not 'none'",
  test: (value) => {
    const all = [value].flat()
    return all.length > 0 && all.every((each) => typeof each === 'string' && each !== '' && each !== 'none')
  },
}

/** Client ids, one of which a token must name. */
export const clients: Form = { ...audience, expected: 'a client id or an array of them' }

/** A claim of the customer's own, often a URL. */
export const claimName: Form = /* @__PURE__ */ pattern('the name of a claim', /^[\w.:/-]+$/)

/** The realm's name in routes and reports. */
export const realmName: Form = /* @__PURE__ */ optional({ ...segment, expected: "the realm's name at gate and origin" })
