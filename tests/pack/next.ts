// Serves the Next example without a Next build, which takes a minute: calls the proxy and the route handlers with
// Next's own request class, in Next's order. The tests in `tests/matrix` run a real build.

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { writeFile } from 'node:fs/promises'
import { Child } from '../../www/demo/child.ts'
import { NODE } from './project.ts'

export async function serveNext(project: string, environment: Record<string, string>, port: number): Promise<Child> {
  await writeFile(join(project, 'serve.mts'), SERVER)
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const server = new Child(
    'next',
    NODE,
    ['--import', tsx, 'serve.mts'],
    { ...environment, PORT: String(port) },
    project,
  )
  await server.ready(`http://127.0.0.1:${port}/`)
  return server
}

const SERVER = `
import { createServer } from 'node:http'
import { NextRequest } from 'next/server.js'
import * as route from './app/notes/route.ts'
import { proxy } from './proxy.ts'

createServer(async (incoming, outgoing) => {
  const { method, headers, url } = incoming
  const request = new NextRequest('http://127.0.0.1' + url, { method, headers })
  const response = (await proxy(request)) ?? (await route[method](request, { params: Promise.resolve({}) }))
  outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text())
}).listen(Number(process.env.PORT), '127.0.0.1')
`
