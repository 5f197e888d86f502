import { isObject } from '../../../options.ts'
import { isName, MAX_NAME_BYTES } from '../../core/name.ts'
import { withoutNulls } from '../json-members.ts'
import { GlobalRevocationRefused, IDENTIFIER_MEMBERS, type SubjectIdentifier } from '../global-revocation.ts'

/**
 * Parses a subject identifier: exactly the members of its format (RFC 9493 §3); members that are `null` count as
 * absent. Throws `GlobalRevocationRefused` (`malformed`, `unsupported_format`).
 */
export function readSubjectIdentifier(value: unknown): SubjectIdentifier {
  if (!isObject(value) || typeof value['format'] !== 'string') throw malformed('it must be an object with a format')
  const { format, ...named } = withoutNulls(value) as { format: string; [member: string]: unknown }
  if (!isFormat(format))
    throw new GlobalRevocationRefused('unsupported_format', 'identifiers of this format are not supported')
  const members = IDENTIFIER_MEMBERS[format]
  if (Object.keys(named).length !== members.length || !members.every((member) => Object.hasOwn(named, member))) {
    throw malformed(`with this format it must have exactly the members format, ${members.join(', ')}`)
  }
  if (!members.every((member) => isName(named[member])))
    throw malformed(`its members must be strings of 1 to ${MAX_NAME_BYTES} bytes of UTF-8`)
  if (format === 'email' && !/^[^\p{Cc}]+@[^\p{Cc}@]+$/u.test(String(named['email'])))
    throw malformed('its email must be an address')
  return { format, ...named } as SubjectIdentifier
}

function isFormat(format: string): format is SubjectIdentifier['format'] {
  return Object.hasOwn(IDENTIFIER_MEMBERS, format)
}

function malformed(why: string): GlobalRevocationRefused {
  return new GlobalRevocationRefused('malformed', `the subject identifier is malformed: ${why}`)
}
