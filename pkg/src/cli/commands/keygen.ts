import { existsSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { generateFeedKey } from '../../entry/origin/node.ts'
import type { Command } from '../command.ts'

export const keygen: Command = {
  name: 'keygen',
  summary: 'create the key that signs the feed',
  help: `Writes feed-key.json (the origin's secret, readable by its owner only) and feed-key.public.json (for every
gate, in 'feed.keys'). Overwrites nothing.`,
  options: { out: { value: 'DIRECTORY', help: 'the directory to write to; default: the current one' } },
  positionals: [],
  example: `Example:

  $ portcullis keygen --out /etc/portcullis`,
  run: ({ values: { out = '.' } }) => writeKeys(out),
}

/** Creates the key pair that signs the feed, and returns instructions. Throws if one of the files already exists. */
async function writeKeys(directory: string): Promise<string> {
  const secret = resolve(directory, 'feed-key.json')
  const open = join(resolve(directory), 'feed-key.public.json')
  for (const file of [secret, open])
    if (existsSync(file)) throw new Error(`${file} already exists, and nothing is overwritten`)
  const { signingKey, publicKey } = await generateFeedKey()
  writeFileSync(secret, `${JSON.stringify(signingKey)}\n`, { mode: 0o600, flag: 'wx' })
  writeFileSync(open, `${JSON.stringify(publicKey)}\n`, { flag: 'wx' })
  return `${secret}         the origin's secret: { "signingKey": { "file": "feed-key.json" } } in portcullis.json
${open}  for every gate: feed: { url, keys: [<this>] }

Keep the first one secret, and keep a copy: gates only trust statements that it signed.
Next: 'portcullis serve --help' shows an example of portcullis.json.
`
}
