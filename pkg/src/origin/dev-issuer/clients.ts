import { Problem } from '../problem.ts'
import { invalidRequest } from '../request.ts'
import { sameSecret } from '../secret.ts'
import type { DevClient } from './types.ts'

/**
 * Who asks (RFC 6749 §2.3): a public client by `client_id`, a confidential one by `client_secret` or HTTP Basic. Throws a
 * `Problem`: 401 `invalid_client`, or 400 `invalid_request` when it is said in two ways.
 */
export async function authenticateClient(
  clients: readonly DevClient[],
  request: Request,
  form: ReadonlyMap<string, string>,
): Promise<DevClient> {
  const basic = basicCredentials(request.headers.get('authorization'))
  if (basic !== undefined && form.has('client_secret')) throw invalidRequest('the client authenticates in two ways')
  if (basic !== undefined && form.has('client_id') && form.get('client_id') !== basic.id) throw invalidRequest('the client has two names')
  const id = basic?.id ?? form.get('client_id')
  const secret = basic?.secret ?? form.get('client_secret')
  if (id === undefined) throw invalidClient(false)
  const client = clients.find((each) => each.id === id)
  // Compared for unknown clients too, in the same time. A public client has no secret to give.
  const same = await sameSecret(secret ?? '', client?.secret ?? '')
  if (client === undefined || !same) throw invalidClient(basic !== undefined)
  return client
}

function invalidClient(basic: boolean): Problem {
  const headers: Record<string, string> = basic ? { 'www-authenticate': 'Basic realm="portcullis"' } : {}
  return new Problem(401, 'invalid_client', 'the client is unknown or its secret is wrong', headers)
}

/** Id and secret are form-encoded before they are base64-encoded. */
function basicCredentials(header: string | null): { id: string; secret: string } | undefined {
  const match = header === null ? null : /^basic +([A-Za-z0-9+/=]+)$/i.exec(header)
  if (match === null) return undefined
  try {
    const [id = '', ...secret] = atob(match[1] ?? '').split(':')
    return { id: formDecode(id), secret: formDecode(secret.join(':')) }
  } catch {
    return { id: '', secret: '' }
  }
}

function formDecode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}
