// Contestants inside a worker. Its clock does not advance during a request, so the client measures: `/prepare` prepares
// a number of passes, `/run` makes them, `/empty` gives the cost of a request.

import { base64url } from 'jose'
import wasm from 'portcullis/edge.wasm'
import type { Gate } from 'portcullis/edge'
import { checkAll, checkAllSync, openGate, unopenedGate, type GateSetting } from '../gate.ts'
import { importKey, webPeers, type Verify } from '../web-peers.ts'
import type { Job } from './job.ts'

type Pass = () => void | Promise<void>
type Contestant = (strings: readonly string[]) => Promise<Pass>

let contestants: Record<string, Contestant> = {}
let job: Job | undefined
let passes: Pass[] = []

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    switch (pathname) {
      case '/setup':
        job = (await request.json()) as Job
        contestants = {
          ...(await ours(job)),
          ...(await theirs(job)),
          ...(job.sight === 'first' ? await floor(job) : {}),
        }
        return Response.json(Object.keys(contestants))
      case '/prepare':
        passes = await prepare(searchParams.get('contestant') ?? '', Number(searchParams.get('passes')))
        return new Response()
      case '/run':
        for (const pass of passes) await pass()
        return new Response()
      default:
        return new Response()
    }
  },
}

async function prepare(name: string, count: number): Promise<Pass[]> {
  const contestant = contestants[name]
  if (contestant === undefined || job === undefined) throw new Error(`${name} does not take part`)
  const headers = job.tokens.map((token) => new Headers({ token }))
  const prepared: Pass[] = []
  // A header returns a new string each time it is read.
  for (let pass = 0; pass < count; pass += 1)
    prepared.push(await contestant(headers.map((header) => header.get('token') ?? '')))
  return prepared
}

async function ours({
  issuer,
  audience,
  jwk,
  feed,
  files,
  tokens,
  check,
  sight,
}: Job): Promise<Record<string, Contestant>> {
  const setting = { issuer, audience, keys: [jwk], feed }
  const all = check === 'check' ? checkAll : checkAllSync
  const seasoned = await openGate(setting)
  await checkAll(seasoned, tokens)
  const gates: Gate[] = []
  return {
    async portcullis(strings) {
      if (sight === 'again') return () => all(seasoned, strings)
      const gate = await openGate(setting)
      gates.push(gate)
      while (gates.length > MOST_GATES) gates.shift()?.close()
      return () => all(gate, strings)
    },
    'first verdict': ([token = '']) => firstVerdict(setting, files, token),
    async instantiate() {
      return () => void new WebAssembly.Instance(wasm, importsOf(wasm))
    },
  }
}

/** A gate of a finished pass is closed once this many are newer: the largest number of prepared passes. */
const MOST_GATES = 40

/** Measures everything from the feed's bytes in memory to an accepted token. */
async function firstVerdict(setting: GateSetting, paths: string[], token: string): Promise<Pass> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const path of paths) {
    files.set(path, new Uint8Array(await (await fetch(`${setting.feed.url}/${path}`)).arrayBuffer()))
  }
  const fromMemory: typeof fetch = async (input) => {
    const file = files.get(new URL(String(input)).pathname.replace('/feed/', ''))
    return file === undefined ? new Response(null, { status: 404 }) : new Response(file)
  }
  return async () => {
    const gate = unopenedGate({ ...setting, fetch: fromMemory })
    await checkAll(gate, [token])
    gate.close()
  }
}

async function theirs({ jwk, issuer, audience }: Job): Promise<Record<string, Contestant>> {
  const contestant =
    (verify: Verify): Contestant =>
    async (strings) =>
    async () => {
      for (const string of strings) await verify(string)
    }
  return Object.fromEntries(
    Object.entries(await webPeers(jwk, issuer, audience)).map(([name, verify]) => [name, contestant(verify)]),
  )
}

/** Returns the lower bound for every verifier that uses WebCrypto: the signature check alone, of bytes in memory. */
async function floor({ jwk }: Job): Promise<Record<string, Contestant>> {
  const key = await importKey(jwk)
  const { name } = key.algorithm
  const bits = Number(jwk.alg?.slice(2))
  const scheme = Number.isNaN(bits) ? { name } : { name, hash: `SHA-${bits}`, saltLength: bits / 8 }
  return {
    async 'crypto.subtle.verify'(strings) {
      const asked = strings.map((token) => {
        const end = token.lastIndexOf('.')
        return {
          input: new TextEncoder().encode(token.slice(0, end)),
          signature: base64url.decode(token.slice(end + 1)),
        }
      })
      return async () => {
        for (const { input, signature } of asked) {
          if (!(await crypto.subtle.verify(scheme, key, signature as BufferSource, input)))
            throw new Error('a valid signature was refused')
        }
      }
    },
  }
}

function importsOf(module: WebAssembly.Module): WebAssembly.Imports {
  const imports: Record<string, Record<string, () => void>> = {}
  for (const { module: from, name } of WebAssembly.Module.imports(module))
    (imports[from] ??= {})[name] = () => undefined
  return imports
}
