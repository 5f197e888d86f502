// Serves the built pages: a few files, read once, under a strict Content-Security-Policy.

import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative } from 'node:path'

/** Settings of the demo that its pages need; all of them are public. */
interface PageSettings {
  /** Base URL of the edge worker, such as `http://127.0.0.1:8787`. */
  edge: string
  /** The exact `iss` of the demo's tokens. */
  issuer: string
  /** The realm's short name. */
  realm: string
  /** The public keys that may sign the feed. */
  feedKeys: unknown[]
}

interface Pages {
  /** Returns `undefined` if no page has that path. */
  fetch(request: Request): Response | undefined
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
}

interface File {
  type: string
  bytes: Uint8Array<ArrayBuffer>
  etag: string
}

/** Reads the built pages of a folder. If none were built, `fetch` returns `undefined` for every path. */
export async function openPages(folder: string, settings: PageSettings): Promise<Pages> {
  const files = await readFiles(folder)
  if (files.size > 0) files.set('/demo.json', fileOf('application/json', Buffer.from(JSON.stringify(settings))))
  const headers = { ...HEADERS, 'content-security-policy': contentSecurityPolicy(settings.edge) }
  return {
    fetch(request) {
      const file = files.get(new URL(request.url).pathname)
      if (file === undefined) return undefined
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        return Response.json({ error: 'method_not_allowed' }, { status: 405, headers: { allow: 'GET, HEAD' } })
      }
      const described = { ...headers, 'content-type': file.type, etag: file.etag }
      if (request.headers.get('if-none-match') === file.etag) {
        return new Response(null, { status: 304, headers: described })
      }
      return new Response(request.method === 'HEAD' ? null : file.bytes, { headers: described })
    },
  }
}

const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-cache',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** Allows scripts from this origin and requests to it and its edge only; no script may turn a string into markup. */
function contentSecurityPolicy(edge: string): string {
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    `connect-src 'self' ${edge}`,
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
}

/** Reads the files, keyed by the path at which they are served. */
async function readFiles(folder: string): Promise<Map<string, File>> {
  const all = { recursive: true, withFileTypes: true } as const
  const entries = await readdir(folder, all).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const files = new Map<string, File>()
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name)
    const type = TYPES[extname(path)]
    if (type === undefined) continue
    const name = relative(folder, path).split('\\').join('/')
    files.set(pathOf(name), fileOf(type, await readFile(path)))
  }
  return files
}

function pathOf(name: string): string {
  if (name === 'playground.html') return '/'
  return `/${name.replace(/\.html$/, '')}`
}

function fileOf(type: string, content: Uint8Array): File {
  const bytes = new Uint8Array(content)
  return { type, bytes, etag: `"${createHash('sha256').update(bytes).digest('base64url')}"` }
}
