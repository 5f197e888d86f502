import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { findingsText } from './finding.ts'
import { checkIssuer } from './issuer.ts'

test('strings from an issuer reach no terminal as commands', async () => {
  // The C1 form of an escape sequence, which JSON need not escape, a character that reverses the direction, and a line
  // separator.
  const stated = { issuer: 'https://id.example/\u009b2J\u202etxt', jwks_uri: 'https://id.example/\u2028\u0007ok' }
  const server = createServer((_, response) => response.end(JSON.stringify(stated))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const realm = { name: 'acme', issuer, audience: 'api', jwks: `${issuer}/keys` }
    const fetchKeys = async (): Promise<never> => Promise.reject(new Error('none'))
    const findings = await checkIssuer({
      realm,
      option: 'options.realms[0]',
      plainHttp: 'loopback',
      fetchKeys,
      reports: [],
    })
    const text = findingsText({ issuer, realm: 'acme', findings })
    assert.match(text, /names itself "https:\/\/id\.example\/\\u\{9b\}2J\\u\{202e\}txt"/)
    assert.doesNotMatch(text + JSON.stringify(findings), /[^\n\x20-\x7e]/)
  } finally {
    server.close()
    server.closeAllConnections()
  }
})
