import { createOrigin, type OriginReport } from '../entry/origin/node.ts'
import { serve as listen } from '../origin/node/index.ts'
import { sqliteStore } from '../origin/store/sqlite/index.ts'
import { type Configuration } from './configuration.ts'

/** Runs an origin until it is told to stop. Resolves when it has ended well. */
export async function serve({ listen: options, store, origin: settings, log }: Configuration): Promise<void> {
  // Whoever read the log is gone: edges need the origin all the same.
  process.stdout.on('error', () => {})
  const origin = await createOrigin({
    ...settings,
    store: sqliteStore(store),
    onReport: (report) => print(report.error === undefined ? 'info' : 'warn', 'report', describe(report)),
    ...(log === 'requests' ? { onRequest: ({ time: _time, ...answered }) => print('info', 'request', answered) } : {}),
  })
  try {
    const server = await listen(origin, {
      ...options,
      onError: (error) => print('error', 'fault', { message: messageOf(error) }),
    })
    print('info', 'listening', { url: server.url, realms: settings.realms.map(({ name }) => name) })
    print('info', 'closing', { signal: await stopped() })
    // The server takes no more connections while the origin ends what is under way, and then its streams.
    const closed = server.close()
    await origin.close()
    await closed
    print('info', 'closed', {})
  } finally {
    await origin.close()
  }
}

/** The first signal to stop; the second one ends the process at once. */
function stopped(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false
    const stop = (signal: NodeJS.Signals): void => {
      // As a shell tells of a process that a signal ended.
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

/** One JSON line. */
function print(level: 'info' | 'warn' | 'error', event: string, about: object): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...about })}\n`)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown cause'
}
