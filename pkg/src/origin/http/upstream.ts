import type { Recorded } from '../api.ts'
import type { ResponseHeader } from './operation.ts'

/** The name of the header, as scripts read it. */
export const UPSTREAM_HEADER = 'portcullis-upstream'

/** The header in the OpenAPI document, for every route whose act is forwarded to an identity server. */
export const UPSTREAM: Readonly<Record<string, ResponseHeader>> = {
  'Portcullis-Upstream': {
    description:
      'Present if a connector can act at the identity server: `done` there too; `queued` until the server can be reached; or `refused`, ' +
      'because the account lacks the right or the server has no such operation. In each case it is recorded here.',
    schema: { enum: ['done', 'queued', 'refused'] },
  },
}

/** Adds the outcome at the identity server, if the act is forwarded. */
export async function withUpstream(response: Response, { upstream }: Pick<Recorded, 'upstream'>): Promise<Response> {
  if (upstream !== undefined) response.headers.set(UPSTREAM_HEADER, await upstream)
  return response
}
