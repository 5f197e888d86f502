import { createOrigin, type OriginReport } from '../../entry/origin/node.ts'
import { serve as listen } from '../../origin/node/index.ts'
import { sqliteStore } from '../../origin/store/sqlite/index.ts'
import type { Command } from '../command.ts'
import { CONFIG_OPTION, type Configuration, loadConfiguration } from '../configuration.ts'
import { connectorsOf } from '../connectors.ts'
import { atListenOption, atStoreOption } from '../option-paths.ts'

export const serve: Command = {
  name: 'serve',
  summary: 'run an origin from a configuration file',
  help: `Runs an origin: it accepts revocations and logouts, and publishes both to every edge. It prints JSON lines.
SIGTERM or SIGINT: accepts nothing new, finishes running requests, and exits. A second one: exits immediately.`,
  options: {
    config: CONFIG_OPTION,
    port: {
      value: 'PORT',
      help: "the port; default: PORTCULLIS_PORT, else the configuration's, else 8780",
    },
    hostname: {
      value: 'ADDR',
      help: "the address to bind; default: PORTCULLIS_HOSTNAME, else the configuration's, else 127.0.0.1",
    },
  },
  positionals: [],
  example: `Also from the environment: PORTCULLIS_STORE (the store's file), PORTCULLIS_SIGNING_KEY (the key as JSON).

Example. After 'portcullis keygen', this portcullis.json serves one realm:

  {
    "store": { "path": "portcullis.db" },
    "signingKey": { "file": "feed-key.json" },
    "realms": [
      {
        "name": "acme",
        "issuer": "https://id.example.com/realms/acme",
        "audience": "api",
        "profile": "keycloak",
        "jwks": "https://id.example.com/realms/acme/protocol/openid-connect/certs"
      }
    ],
    "edges": [{ "name": "edge-1", "ackSecret": { "env": "EDGE_1_SECRET" } }]
  }

  $ EDGE_1_SECRET=… portcullis serve`,
  run: async ({ values, environment }) => runOrigin(loadConfiguration(values, environment)),
}

/** Runs an origin until a signal stops it. Resolves when it has stopped cleanly. */
async function runOrigin({ listen: options, store, origin: settings, connectors, log }: Configuration): Promise<void> {
  // The reader of the log is gone, but edges still need the origin.
  process.stdout.on('error', () => {})
  const origin = await createOrigin({
    ...settings,
    connectors: connectorsOf(connectors),
    store: atStoreOption(sqliteStore(store)),
    onReport: (report) => print(report.error === undefined ? 'info' : 'warn', 'report', describe(report)),
    ...(log === 'requests' ? { onRequest: ({ time: _time, ...answered }) => print('info', 'request', answered) } : {}),
  })
  try {
    const onError = (error: unknown): void => print('error', 'fault', { message: messageOf(error) })
    const server = await atListenOption(() => listen(origin, { ...options, onError }))
    print('info', 'listening', { url: server.url, realms: settings.realms.map(({ name }) => name) })
    print('info', 'closing', { signal: await stopped() })
    // The server accepts no more connections while the origin finishes running requests, and then ends its streams.
    const closed = server.close()
    await origin.close()
    await closed
    print('info', 'closed', {})
  } finally {
    await origin.close()
  }
}

/** Resolves at the first signal to stop; the second one ends the process immediately. */
function stopped(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false
    const stop = (signal: NodeJS.Signals): void => {
      // The exit code of a process that a signal ended, by the convention of shells.
      if (asked) process.exit(signal === 'SIGINT' ? 130 : 143)
      asked = true
      resolve(signal)
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
  })
}

function describe({ error, ...about }: OriginReport): object {
  return error === undefined
    ? { ...about, state: 'well' }
    : { ...about, state: 'failing', code: error.code, detail: error.detail, message: error.message }
}

/** Prints one JSON line. */
function print(level: 'info' | 'warn' | 'error', event: string, about: object): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...about })}\n`)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown cause'
}
