// A client that sends header lines exactly as given, including repeated ones.

import { request } from 'node:http'

export interface Asked {
  method?: string
  path?: string
  /** Name and value of each header line. */
  headers?: readonly (readonly [string, string])[]
  body?: string | Uint8Array
}

export interface Answered {
  status: number
  headers: Headers
  body: string
}

export function ask(url: string, { method = 'GET', path = '/', headers = [], body }: Asked = {}): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const lines = ['host', `${hostname}:${port}`, ...headers.flat()]
    if (body !== undefined || method === 'POST') lines.push('content-length', String(Buffer.byteLength(body ?? '')))
    // An array of lines is sent unchanged; an object would join lines with the same name.
    const sent = request(
      { hostname, port, method, path, headers: lines as never, agent: false, setHost: false },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: new Headers(response.headers as Record<string, string>),
            body: text,
          }),
        )
        response.on('error', reject)
      },
    )
    sent.on('error', reject)
    sent.setTimeout(20_000, () => sent.destroy(new Error('there was no response')))
    sent.end(body)
  })
}

export function bearer(token: string): readonly [string, string] {
  return ['authorization', `Bearer ${token}`]
}
