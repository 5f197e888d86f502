/** The methods that routes know; any other text is a client's. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']

/** One answered request, for a structured log. Nothing in it is a client's choice: no path, query, header or name. */
export interface AnsweredRequest {
  /** When it was answered, as ISO 8601. */
  time: string
  /** `OTHER`: none that is known here. */
  method: string
  /** The pattern of its route, such as `/feed/{realm}/manifest`; left out: there is none like that. */
  route?: string
  status: number
  /** From its arrival until its answer began. */
  milliseconds: number
  /** The realm of its path, where that is one of ours. */
  realm?: string
  /** The error of the answer. */
  error?: string
}

export function knownMethod(method: string): string {
  return METHODS.includes(method) ? method : 'OTHER'
}
