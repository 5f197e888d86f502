// Turns the lines of `cargo xtask bench --json` into a page: `node --import tsx bench/table.ts FIGURES >
// bench/RESULTS.md`.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { cpus, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { ROOT } from './feed.ts'
import type { Line } from './run.ts'

/** Titles of the groups, by the first part of the name, in the order of the page. */
const TITLES: Record<string, string> = {
  warm_check: 'A token seen before',
  warm_recheck: 'A token seen before, after a change of the revocation state',
  cold_check: 'A new token',
  cold_check_sync: 'A new token, by `checkSync`',
  rust_only: 'Rust alone, in wasm; the peers verify a bare signature, not a token',
  verdict: 'Rust alone, native',
  status: 'A lookup in the revocation state',
  refused: 'Refusals of new tokens, except for the cached ones; `accepting` for comparison',
  invented_issuers:
    'A realms function during 10,000 tokens per second with forged issuers; `resident` and `core`: growth in ten seconds',
  edge_requests: 'Requests to a protected worker, as a share of those to an unprotected one',
  receiver:
    'A logout token of Keycloak until the response, when it is durable, 50 per second over HTTP; `flood`: with 500 forged ones per second',
  enforcement: 'From a revocation to the first refusal',
  first_verdict: 'From a feed in memory to the first verdict',
  apply_delta: 'A delta of 100 revocations',
  section_build: 'A filter built from 63,000 ids',
  memory: 'Ten million revoked ids in a process',
  growth: 'How it grows',
  false_positive_rate: 'False positives',
  origin_revocations: 'Durable revocations over HTTP, 64 connections',
  origin_start: 'Start of an origin with a million events',
  ledger: 'The ledger, native',
  size: 'Size of the code at the edge',
  instead: 'Alternatives',
}

/** Packages whose versions the page lists. */
const PEERS = [
  'jose',
  'fast-jwt',
  'jsonwebtoken',
  '@tsndr/cloudflare-worker-jwt',
  'hono',
  'aws-jwt-verify',
  'bloom-filters',
  'redis',
  'autocannon',
]

async function main(): Promise<void> {
  const path = process.argv[2]
  if (path === undefined) throw new Error('usage: node --import tsx bench/table.ts FIGURES > bench/RESULTS.md')
  const texts = (await readFile(path, 'utf8')).split('\n').filter((text) => text.startsWith('{'))
  const lines = texts.map((text) => JSON.parse(text) as Line)
  if (lines.length === 0) throw new Error(`${path} has no figures: create them with cargo xtask bench --json`)
  process.stdout.write(await page(lines))
}

async function page(lines: Line[]): Promise<string> {
  const groups = new Map<string, Line[]>(Object.keys(TITLES).map((group) => [group, []]))
  for (const line of lines) {
    const group = line.bench.split('.')[0] ?? ''
    groups.set(group, [...(groups.get(group) ?? []), line])
  }
  const parts = [...groups]
    .filter(([, found]) => found.length > 0)
    .map(([group, found]) => section(TITLES[group] ?? group, found))
  return `# Benchmarks

Generated from the output of \`cargo xtask bench --json > figures.jsonl\` by
\`node --import tsx bench/table.ts figures.jsonl > bench/RESULTS.md\` in \`tests/\`.

Peers are measured in the same run with the same tokens, in turns with Portcullis, and check the same: issuer, audience,
expiry. Each figure is the median of seven turns. Every token is a new string each time, as a header returns it.
After a peer's figure is its ratio to ours.

${(await machine()).map((fact) => `- ${fact}`).join('\n')}

${parts.join('\n')}`
}

function section(title: string, lines: Line[]): string {
  const rows = lines.map(({ bench, runtime, value, unit, peers }) => {
    const others = Object.entries(peers).map(([name, figure]) => `${name} ${short(figure)} (${short(figure / value)}×)`)
    return `| \`${bench}\` | ${runtime} | **${short(value)}** ${unit} | ${others.join(', ')} |`
  })
  return `## ${title}

| figure | runtime | Portcullis | peers |
|---|---|---|---|
${rows.join('\n')}
`
}

/** Formats a figure with three significant digits. */
function short(figure: number): string {
  if (!Number.isFinite(figure)) return '–'
  if (figure === 0) return '0'
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(figure))))
  return figure.toLocaleString('en', { minimumFractionDigits: Math.min(digits, 3), maximumFractionDigits: digits })
}

async function machine(): Promise<string[]> {
  const [first] = cpus()
  const rust = spawnSync('rustc', ['--version'], { encoding: 'utf8' }).stdout.trim()
  const workerd = versionIn(join(ROOT, 'www/node_modules/workerd'))
  const peers = PEERS.map((name) => `${name} ${versionIn(join(ROOT, 'tests/node_modules', name))}`)
  return [
    `${first?.model ?? 'unknown processor'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB; ${type()} ${release()}`,
    `Node ${process.versions.node} (V8 ${process.versions.v8}), workerd ${workerd}, ${rust}`,
    peers.join(', '),
  ]
}

function versionIn(folder: string): string {
  return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})
