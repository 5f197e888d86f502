import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

export type Listener = (request: IncomingMessage, response: ServerResponse) => void

/** A real HTTP server on its own port. Its listener can be replaced at any time. */
export class TestServer {
  readonly server: Server
  /** Requested paths, with query, in order. */
  readonly hits: string[] = []
  listener: Listener

  private constructor(listener: Listener) {
    this.listener = listener
    this.server = createServer((request, response) => {
      this.hits.push(request.url ?? '')
      this.listener(request, response)
    })
  }

  static async start(listener: Listener): Promise<TestServer> {
    const server = new TestServer(listener)
    server.server.listen(0, '127.0.0.1')
    await once(server.server, 'listening')
    return server
  }

  get url(): string {
    const address = this.server.address()
    if (address === null || typeof address === 'string') throw new Error('the server is not listening')
    return `http://127.0.0.1:${address.port}`
  }

  /** The number of requested paths that contain this string. */
  count(part: string): number {
    return this.hits.filter((path) => path.includes(part)).length
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    this.server.close()
    await once(this.server, 'close').catch(() => undefined)
  }
}

export function json(body: unknown, status = 200): Listener {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
}

export function page(status = 200): Listener {
  return (_, response) => {
    response
      .writeHead(status, { 'content-type': 'text/html' })
      .end('<!doctype html><title>Sign in</title><p>s3cret-page')
  }
}

export function redirect(to: string): Listener {
  return (_, response) => {
    response.writeHead(302, { location: to }).end()
  }
}

/** Sends without end, as fast as the data is read. */
export function endless(type: string): Listener {
  return (_, response) => {
    response.writeHead(200, { 'content-type': type })
    const chunk = Buffer.alloc(64 * 1024, 0x20)
    const more = () => {
      while (!response.destroyed && response.write(chunk));
    }
    response.on('drain', more)
    more()
  }
}

/** Announces more than it sends, and closes the connection. */
export function cutShort(type: string): Listener {
  return (_, response) => {
    response.writeHead(200, { 'content-type': type, 'content-length': '1000' })
    response.write('{"keys":')
    setTimeout(() => response.destroy(), 20)
  }
}

/** Sends without end, one byte at a time. */
export function dripping(type: string): Listener {
  return (_, response) => {
    response.writeHead(200, { 'content-type': type })
    const drip = setInterval(() => response.write(' '), 20)
    response.on('close', () => clearInterval(drip))
  }
}

/** Accepts the request and never responds. */
export function silent(): Listener {
  return () => undefined
}
