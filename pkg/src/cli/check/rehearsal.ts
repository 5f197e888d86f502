import '../../entry/origin/node.ts'
import type { OriginReport } from '../../origin/api.ts'
import { listenError } from '../../origin/node/listen-error.ts'
import { type BuiltOrigin, buildOrigin } from '../../origin/origin.ts'
import { inspectSqlite } from '../../origin/store/sqlite/inspect.ts'
import type { Configuration } from '../configuration.ts'
import { connectorsOf } from '../connectors.ts'
import { atListenOption, atStoreOption } from '../option-paths.ts'
import { checkAddress } from './address.ts'

/** The origin of a configuration, built as by `serve`, that neither sends, records nor responds. */
export interface Rehearsal extends BuiltOrigin {
  /** The reports of the origin so far. */
  reports: readonly OriginReport[]
  /** Whether another origin has the store open now, such as the one that runs this configuration. */
  storeUse: 'free' | 'in_use'
  addressUse: 'free' | 'in_use'
}

/**
 * Builds everything that `serve` builds, without listening, and neither creates nor changes a file. Rejects as `serve`
 * would, except for a store that another origin has open: that may be the one to be restarted. Close its `origin`.
 */
export async function rehearse({
  listen,
  store: file,
  origin: settings,
  connectors,
}: Configuration): Promise<Rehearsal> {
  const reports: OriginReport[] = []
  const store = inspectSqlite(file)
  const onReport = (report: OriginReport): void => void reports.push(report)
  const built = await buildOrigin({
    ...settings,
    connectors: connectorsOf(connectors),
    store: atStoreOption(store),
    onReport,
  })
  try {
    const { port, hostname = '127.0.0.1' } = listen
    const addressUse = await atListenOption(async () => {
      const use = await checkAddress({ hostname, port })
      // An origin that has the store open most likely also has the port.
      if (use === 'in_use' && store.use === 'free')
        throw listenError({ code: 'EADDRINUSE' } as NodeJS.ErrnoException, port, hostname)
      return use
    })
    return { ...built, reports, storeUse: store.use, addressUse }
  } catch (error) {
    await built.origin.close()
    throw error
  }
}
