// Wrangler: its development server, and the files that it would upload.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment } from '../environment.ts'
import { serveProgram } from '../hosts/program.ts'
import { serveWorkerd } from '../hosts/workerd.ts'

export const environments: readonly Environment[] = [
  {
    name: 'wrangler dev',
    configuration: 'wrangler dev',
    tier: 'long',
    node: 22,
    async start(place, stage) {
      await writeFile(join(place.folder, '.dev.vars'), `GATE_OPTIONS='${stage.gateOptions}'\n`)
      return serveProgram(place, stage, {
        command: 'wrangler',
        parameters: [
          'dev',
          '--ip',
          '127.0.0.1',
          '--port',
          '$PORT',
          '--inspector-port',
          '0',
          '--show-interactive-dev-session=false',
        ],
        port: 'given',
        // Otherwise a request for the data of `request.cf` is sent.
        variables: { CLOUDFLARE_CF_FETCH_ENABLED: 'false' },
      })
    },
  },
  {
    name: 'wrangler deploy',
    configuration: 'wrangler deploy --dry-run --outdir out, in workerd',
    tier: 'long',
    node: 22,
    async start(place, stage) {
      await place.run('wrangler', ['deploy', '--dry-run', '--outdir', 'out'])
      return serveWorkerd(stage, {
        folder: `${await place.copyOut('out')}/out`,
        main: 'index.js',
        compatibilityFlags: ['nodejs_compat'],
      })
    },
  },
]
