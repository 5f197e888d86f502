// Uses the package as ES module and as CommonJS in one process, like a program with a dependency that requires it.
// Prints the results.

import { createRequire } from 'node:module'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

// Starts counting before the package is loaded: each copy creates one instance of the wasm module, at its first use.
let instances = 0
const { Instance } = WebAssembly
WebAssembly.Instance = class extends Instance {
  constructor(...given) {
    super(...given)
    instances += 1
  }
}

const require = createRequire(import.meta.url)
const copies = { import: await import('portcullis/edge'), require: require('portcullis/edge') }
const { createOrigin, generateFeedKey } = require('portcullis/origin')
const { memoryStore } = await import('portcullis/origin/memory')

const { privateKey, publicKey } = await generateKeyPair('ES256')
const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }] }
const realm = { name: 'acme', issuer: 'https://id.example', audience: 'api', jwks }
const feedKey = await generateFeedKey()
const origin = await createOrigin({ store: memoryStore(), signingKey: feedKey.signingKey, realms: [realm] })
const inOrigin = instances

const now = Math.floor(Date.now() / 1000)
const token = await new SignJWT({ iss: realm.issuer, aud: 'api', sub: 'user', jti: 'id', iat: now, exp: now + 300 })
  .setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'JWT' })
  .sign(privateKey)

const gateOptions = {
  realms: [{ ...realm, feed: { url: 'https://origin.example/feed/acme', keys: [feedKey.publicKey] } }],
  fetch: async (url, init) => origin.fetch(new Request(url, init)),
}
const gates = Object.fromEntries(
  Object.entries(copies).map(([system, { createGate }]) => [system, createGate(gateOptions)]),
)

async function verdicts() {
  const entries = await Promise.all(
    Object.entries(gates).map(async ([system, gate]) => [system, await gate.check(token)]),
  )
  return Object.fromEntries(
    entries.map(([system, verdict]) => [system, verdict.ok ? verdict.claims.sub : verdict.reason]),
  )
}

/** Returns the error that a copy throws for a gate without realms. */
function errorOf({ createGate }) {
  try {
    createGate({ realms: [] })
  } catch (error) {
    return error
  }
  return undefined
}

const report = { accepted: await verdicts(), instances: instances - inOrigin }
await origin.revokeToken(token)
await Promise.all(Object.values(gates).map((gate) => gate.refresh()))
report.revoked = await verdicts()
report.sameClass = copies.import.PortcullisError === copies.require.PortcullisError
report.caught = {
  import: errorOf(copies.import) instanceof copies.require.PortcullisError,
  require: errorOf(copies.require) instanceof copies.import.PortcullisError,
}
for (const gate of Object.values(gates)) gate.close()
await origin.close()
console.log(JSON.stringify(report))
