// JSON blocks that are parts of a portcullis.json: `portcullis check` reads each, completed with the missing members.

import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Block } from './blocks.ts'
import { portcullis } from './shell.ts'

const SCHEMA = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../pkg/portcullis.schema.json', import.meta.url)), 'utf8'),
) as { properties: Record<string, unknown> }

type Members = Record<string, unknown>

/** Whether every member is an option of portcullis.json. */
export function isConfiguration(text: string): boolean {
  const parsed = membersOf(text)
  return parsed !== undefined && Object.keys(parsed).every((name) => Object.hasOwn(SCHEMA.properties, name))
}

/** Returns the error of `portcullis check` for a block, as `page:line: message`. */
export async function configurationErrors(block: Block, feedKey: unknown): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-docs-'))
  try {
    const file = join(folder, 'portcullis.json')
    await writeFile(join(folder, 'feed-key.json'), JSON.stringify(feedKey), { mode: 0o600 })
    await writeFile(file, JSON.stringify(completed(membersOf(block.text) ?? {}, folder)))
    const secrets = Object.fromEntries(
      [...block.text.matchAll(/"env": "(\w+)"/g)].map(([, name = '']) => [name, SECRET]),
    )
    const { failure } = await portcullis(['check', '--config', file], secrets)
    return failure === undefined ? [] : [`${block.page}:${block.line}: ${failure.trim()}`]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** At least 32 characters, as an edge's secret must have. */
const SECRET = 'a-secret-of-more-than-32-characters-01'

function completed(part: Members, folder: string): Members {
  const realm = {
    name: 'acme',
    issuer: 'https://id.example/realms/acme',
    audience: 'api',
    jwks: 'https://id.example/realms/acme/protocol/openid-connect/certs',
  }
  const realms = (part['realms'] as Members[] | undefined) ?? [{}]
  return {
    signingKey: { file: 'feed-key.json' },
    ...part,
    store: { path: join(folder, 'revocations.db') },
    realms: realms.map((each) => ({ ...realm, ...each })),
  }
}

function membersOf(text: string): Members | undefined {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Members) : undefined
  } catch {
    return undefined
  }
}
