// Vite with no configuration file, as `npm create vite` leaves it; for servers with the options that its SSR guide names.

import type { Environment, Probed } from '../environment.ts'
import { openPage, servePage } from '../hosts/page.ts'
import { serveProgram, startProgram } from '../hosts/program.ts'

/** A page in the folder, built and served as a static host would. */
function built(name: string, page: string, tier: 'short' | 'long'): Probed {
  return {
    name: `Vite, ${name}`,
    configuration: `vite build ${page}`,
    tier,
    start: async (place, stage) => {
      await place.run('vite', ['build', page])
      return servePage(stage, { folder: `${await place.copyOut(`${page}/dist`)}/dist` })
    },
  }
}

/** A page by the development server. */
function served(name: string, page: string): Probed {
  return {
    name: `Vite, development server, ${name}`,
    configuration: `vite ${page}`,
    tier: 'long',
    start: async (place, stage) => {
      const parameters = [page, '--port', '$PORT', '--strictPort', '--host', '127.0.0.1']
      const { program, url } = await startProgram(place, { command: 'vite', parameters, port: stage.pagePort })
      return openPage(stage, `${url}/`, () => program.stop())
    },
  }
}

export const environments: readonly Environment[] = [
  built('client', 'client', 'short'),
  built('worker', 'worker', 'long'),
  served('client', 'client'),
  served('worker', 'worker'),
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
