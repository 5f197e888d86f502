// Next with both of its bundlers: route handlers and proxy.ts on Node, and the deprecated edge runtime.

import type { Environment, Probed } from '../environment.ts'
import { askAt, startProgram } from '../hosts/program.ts'

/** Probes the routes under this path in a build with this command. */
function routes(name: string, build: string, path: string, configuration: string): Probed {
  return {
    name: `Next, ${name}`,
    configuration: `${build}; next start; ${configuration}`,
    tier: 'long',
    async start(place, stage) {
      await place.runLine(build)
      const { program, url } = await startProgram(place, {
        command: 'next',
        parameters: ['start', '--port', '$PORT', '--hostname', '127.0.0.1'],
        port: 'given',
        variables: { GATE_OPTIONS: stage.gateOptions },
      })
      return { ask: (token, scope) => askAt(`${url}${path}`, token, scope), close: () => program.stop() }
    },
  }
}

function bundler(name: string, build: string): Probed[] {
  return [
    routes(`${name}, route handlers`, build, '', 'src/app/*/route.ts'),
    routes(`${name}, proxy.ts`, build, '/proxied', 'src/proxy.ts, on Node'),
    routes(`${name}, edge runtime`, build, '/edge', "route.ts with runtime = 'edge'"),
  ]
}

export const environments: readonly Environment[] = [
  ...bundler('Turbopack', 'next build'),
  ...bundler('webpack', 'next build --webpack'),
]
