import { AUDIT_ACTIONS, type AuditAction, type AuditQuery, MAX_AUDIT_LINES, type StoredAuditEntry } from '../../api.ts'
import { json, jsonLines } from '../response.ts'
import { invalidRequest, textParameter } from '../input.ts'
import type { Call, Route } from '../route.ts'

const DEFAULT_LINES = 100
/** The number of lines of an export read at a time, because reading blocks other calls of the store. */
const EXPORT_PAGE_LINES = 500

const PARAMETERS = ['action', 'actor', 'subject', 'from', 'to', 'before', 'max', 'format'] as const
type Parameter = (typeof PARAMETERS)[number]

const UNIX_SECONDS = { type: 'integer', minimum: 0 }

/** `GET /admin/realms/{realm}/events` returns the audit log, newest first, in pages or completely as JSON lines. */
export const eventRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/admin/realms/{realm}/events',
    tag: 'administration',
    access: 'administrator',
    operation: {
      summary: 'The audit log of the realm, newest first.',
      query: {
        action: { description: 'Filters by action.', schema: { enum: AUDIT_ACTIONS } },
        actor: {
          description: 'Filters by actor, such as `admin:<sub>`.',
          schema: { type: 'string', minLength: 1 },
        },
        subject: { description: 'Filters by subject.', schema: { type: 'string', minLength: 1 } },
        from: { description: 'Not older than this, in unix seconds.', schema: UNIX_SECONDS },
        to: { description: 'Not newer than this, in unix seconds.', schema: UNIX_SECONDS },
        before: { description: 'Only lines older than the one with this id.', schema: { type: 'integer', minimum: 0 } },
        max: {
          description: `The maximum number of lines. Default ${DEFAULT_LINES}; with \`format=jsonl\`: all.`,
          schema: { type: 'integer', minimum: 1, maximum: MAX_AUDIT_LINES },
        },
        format: {
          description: '`jsonl` returns JSON lines, as does `Accept: application/x-ndjson`.',
          schema: { enum: ['json', 'jsonl'] },
        },
      },
      answers: {
        200: {
          description: 'The lines. If older ones exist, `Link` has the address of the next page (`rel="next"`).',
          type: 'application/json',
          otherTypes: ['application/x-ndjson'],
          schema: {
            type: 'array',
            items: {
              type: 'object',
              required: ['id', 'realm', 'at', 'action'],
              properties: {
                id: { type: 'integer' },
                realm: { type: 'string' },
                at: { type: 'integer', description: 'Unix seconds.' },
                action: { enum: AUDIT_ACTIONS },
                actor: { type: 'string' },
                subject: { type: 'string' },
                sequence: { type: 'integer' },
                reason: { type: 'string' },
                address: { type: 'string' },
                detail: { type: 'string' },
              },
            },
          },
        },
      },
    },
    handle: events,
  },
]

async function events({ context, request, url, parameter }: Call): Promise<Response> {
  const given = parametersOf(url)
  const max = wholeNumber(given, 'max', 1, MAX_AUDIT_LINES)
  const filter = { realm: parameter('realm'), ...filterOf(given) }
  if (wantsLines(request, given)) return jsonLines(pagesOf(context.audit, filter, max ?? Number.POSITIVE_INFINITY))
  const { entries, more } = await context.audit.page({ ...filter, limit: max ?? DEFAULT_LINES })
  const last = entries.at(-1)
  return json(200, entries, more && last !== undefined ? { link: `<${nextPage(url, last.id)}>; rel="next"` } : {})
}

/** Yields one page at a time. Lines noted meanwhile are newer and not included. */
async function* pagesOf(
  audit: Call['context']['audit'],
  filter: Omit<AuditQuery, 'limit'>,
  max: number,
): AsyncGenerator<StoredAuditEntry[]> {
  let left = max
  let { before } = filter
  for (;;) {
    const limit = Math.min(left, EXPORT_PAGE_LINES)
    const { entries, more } = await audit.page({ ...filter, ...(before === undefined ? {} : { before }), limit })
    if (entries.length > 0) yield entries
    left -= entries.length
    before = entries.at(-1)?.id
    if (!more || left === 0) return
  }
}

function nextPage(url: URL, before: number): string {
  const next = new URLSearchParams(url.searchParams)
  next.set('before', String(before))
  return `${url.pathname}?${next.toString()}`
}

/** Throws a `Problem` (400) for a parameter that is unknown, empty or given twice. */
function parametersOf(url: URL): Map<Parameter, string> {
  const found = new Map<Parameter, string>()
  for (const [name, value] of url.searchParams) {
    const parameter = PARAMETERS.find((each) => each === name)
    if (parameter === undefined) throw invalidRequest(`the query may have only the parameters ${PARAMETERS.join(', ')}`)
    if (found.has(parameter) || textParameter(url, parameter) === undefined)
      throw invalidRequest(`${parameter} must have a value, given once`)
    found.set(parameter, value)
  }
  return found
}

function filterOf(given: Map<Parameter, string>): Omit<AuditQuery, 'realm' | 'limit'> {
  const action = given.get('action')
  if (action !== undefined && !isAction(action))
    throw invalidRequest(`action must be one of ${AUDIT_ACTIONS.join(', ')}`)
  const [actor, subject] = [given.get('actor'), given.get('subject')]
  const [from, to, before] = [wholeNumber(given, 'from'), wholeNumber(given, 'to'), wholeNumber(given, 'before')]
  return {
    ...(action === undefined ? {} : { action }),
    ...(actor === undefined ? {} : { actor }),
    ...(subject === undefined ? {} : { subject }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(before === undefined ? {} : { before }),
  }
}

function wholeNumber(
  given: Map<Parameter, string>,
  name: Parameter,
  least = 0,
  most = Number.MAX_SAFE_INTEGER,
): number | undefined {
  const value = given.get(name)
  if (value === undefined) return undefined
  const number = Number(value)
  if (/^\d{1,16}$/.test(value) && number >= least && number <= most) return number
  throw invalidRequest(
    `${name} must be a whole number${most === Number.MAX_SAFE_INTEGER ? '' : ` from ${least} to ${most}`}`,
  )
}

function isAction(text: string): text is AuditAction {
  return (AUDIT_ACTIONS as readonly string[]).includes(text)
}

/** Whether the client wants JSON lines: by `format` if it is given, else by `Accept` (RFC 9110 §12.5.1). */
function wantsLines(request: Request, given: Map<Parameter, string>): boolean {
  const format = given.get('format')
  if (format !== undefined && format !== 'json' && format !== 'jsonl')
    throw invalidRequest('format must be json or jsonl')
  if (format !== undefined) return format === 'jsonl'
  const accepted = (request.headers.get('accept') ?? '').split(',')
  return accepted.some((range) => /^\s*application\/x-ndjson\s*(?:;(?!\s*q=0(?:\.0*)?\s*$).*)?$/i.test(range))
}
