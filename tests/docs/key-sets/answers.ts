// The results of jose and of a gate for a token whose issuer publishes a given JWK set.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createLocalJWKSet, createRemoteJWKSet, errors, type JSONWebKeySet, jwtVerify } from 'jose'
import { createGate, type Report } from 'portcullis/edge'
import type { JWKS } from 'portcullis/origin'
import { ISSUER, type Shape } from './shapes.ts'

interface Answers {
  /** `taken`, or the code or name of the error. */
  readonly jose: string
  /** `taken`, the reasons of skipped keys, the error of a refused set, or the reason of the verdict. */
  readonly ours: string
}

export async function answers(shape: Shape): Promise<Answers> {
  const server = createServer((_, response) =>
    response.setHeader('content-type', 'application/json').end(shape.set),
  ).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`)
  try {
    return { jose: await byJose(shape, url), ours: await byGate(shape, url) }
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

async function byJose({ set, token, inline }: Shape, url: URL): Promise<string> {
  try {
    const keys = inline === true ? createLocalJWKSet(JSON.parse(String(set)) as JSONWebKeySet) : createRemoteJWKSet(url)
    await jwtVerify(token, keys, { issuer: ISSUER, audience: 'api' })
    return 'taken'
  } catch (error) {
    return error instanceof errors.JOSEError ? error.code : (error as Error).name
  }
}

async function byGate({ set, token, inline }: Shape, url: URL): Promise<string> {
  const reports: Report[] = []
  const jwks = inline === true ? (JSON.parse(String(set)) as JWKS) : url
  const gate = createGate({
    realms: [{ name: 'acme', issuer: ISSUER, audience: 'api', jwks, revocation: 'unchecked' }],
    onReport: (report) => reports.push(report),
  })
  try {
    const verdict = await gate.check(token)
    const skipped = [
      ...new Set(gate.status().flatMap(({ skippedKeys }) => skippedKeys.map(({ reason }) => reason))),
    ].join(', ')
    if (verdict.ok) return skipped === '' ? 'taken' : `taken; skipped: ${skipped}`
    if (skipped !== '') return `skipped: ${skipped}`
    const failed = reports.find(({ kind }) => kind === 'jwks')?.error
    return failed === undefined ? `refused: ${verdict.reason}` : `set refused: ${failed.detail ?? failed.code}`
  } finally {
    gate.close()
  }
}
