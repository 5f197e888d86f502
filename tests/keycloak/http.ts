// HTTP requests to the servers of a run.

const ANSWER_SECONDS = 30

export interface Answer {
  status: number
  headers: Headers
  text: string
}

/** Sends a request with a timeout. Redirects are returned, not followed. */
export function send(url: string, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { redirect: 'manual', ...init, signal: AbortSignal.timeout(ANSWER_SECONDS * 1000) })
}

export async function answerOf(response: Response): Promise<Answer> {
  return { status: response.status, headers: response.headers, text: await response.text() }
}
