// Vite without a configuration file, as created by `npm create vite`; for servers, with the options of its SSR guide.

import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment, Probed } from '../environment.ts'
import { openPage, servePage } from '../hosts/page.ts'
import { serveProgram, startProgram } from '../hosts/program.ts'
import type { Workplace } from '../workplace.ts'

/** Builds a page and serves it like a static host. */
function built(name: string, page: string, tier: 'short' | 'long'): Probed {
  return {
    name: `Vite, ${name}`,
    configuration: 'vite build',
    tier,
    start: async (place, stage) => {
      await choose(place, page)
      await place.run('vite', ['build'])
      return servePage(stage, { folder: `${await place.copyOut('dist')}/dist` })
    },
  }
}

/** Serves a page with the development server. */
function served(name: string, page: string): Probed {
  return {
    name: `Vite, development server, ${name}`,
    configuration: 'vite',
    tier: 'long',
    start: async (place, stage) => {
      await choose(place, page)
      const { program, url } = await startProgram(place, {
        command: 'vite',
        parameters: ['--port', '$PORT', '--host', '127.0.0.1'],
        port: stage.pagePort,
      })
      return openPage(stage, `${url}/`, () => program.stop())
    },
  }
}

/** Makes the page Vite's `index.html`. */
function choose(place: Workplace, page: string): Promise<void> {
  return rename(join(place.folder, page), join(place.folder, 'index.html'))
}

export const environments: readonly Environment[] = [
  built('client', 'client.html', 'short'),
  built('worker', 'worker.html', 'long'),
  served('client', 'client.html'),
  served('worker', 'worker.html'),
  {
    name: 'Vite, SSR, external',
    configuration: 'vite build --ssr apps/node.js',
    tier: 'long',
    start: async (place, stage) => {
      await place.run('vite', ['build', '--ssr', 'apps/node.js'])
      return serveProgram(place, stage, { command: 'node', parameters: ['dist/node.js'] })
    },
  },
  {
    name: 'Vite, SSR, noExternal',
    configuration: 'vite build --ssr apps/node.js, { ssr: { noExternal: true } }',
    tier: 'short',
    start: async (place, stage) => {
      await place.run('vite', ['build', '--ssr', 'apps/node.js', '--config', 'vite.no-external.config.js'])
      const folder = await place.copyOut('dist', 'package.json')
      return serveProgram(place, stage, { command: 'node', parameters: ['dist/node.js'], folder })
    },
  },
]
