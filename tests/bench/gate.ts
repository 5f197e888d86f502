// The measured gate. It does not fetch anything by itself during a measurement.

import { createGate, type Gate, type GateOptions, type JWK } from 'portcullis/edge'

export interface GateSetting {
  issuer: string
  audience: string
  keys: JWK[]
  feed: { url: string; keys: JWK[] }
  fetch?: typeof fetch
}

const AN_HOUR = 3600

/** Creates a gate and loads its state. */
export async function openGate(setting: GateSetting, options: Partial<GateOptions> = {}): Promise<Gate> {
  const gate = unopenedGate(setting, options)
  await gate.refresh()
  return gate
}

/** Creates the same gate without loading its state. */
export function unopenedGate(
  { issuer, audience, keys, feed, fetch }: GateSetting,
  options: Partial<GateOptions> = {},
): Gate {
  return createGate({
    realms: [{ name: 'bench', issuer, audience, jwks: { keys }, feed }],
    refreshAfterSeconds: AN_HOUR,
    waitAfterSeconds: AN_HOUR,
    maxStaleSeconds: AN_HOUR,
    firstLoadTimeoutMs: 60_000,
    ...(fetch === undefined ? {} : { fetch }),
    ...options,
  })
}

/** Checks all tokens; every one must be accepted. */
export function checkAllSync(gate: Gate, tokens: readonly string[]): void {
  for (const token of tokens) {
    const verdict = gate.checkSync(token)
    if (!verdict.ok) throw new Error(`a valid token was refused: ${verdict.reason}`)
  }
}

/** Checks tokens one after the other, like successive requests; every one must be accepted. */
export async function checkAll(gate: Gate, tokens: readonly string[]): Promise<void> {
  for (const token of tokens) {
    const verdict = await gate.check(token)
    if (!verdict.ok) throw new Error(`a valid token was refused: ${verdict.reason}`)
  }
}
