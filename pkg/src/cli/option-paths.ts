// Adds the path of the option in the configuration to errors of an origin and its server.

import type { PortcullisError } from '../errors.ts'
import { atOptionAsync } from '../option-path.ts'
import { NO_DRIVER } from '../origin/store/sqlite/driver.ts'
import type { RevocationStore } from '../origin/store/store.ts'

/** Wraps the store so that errors on opening it name `options.store`. */
export function atStoreOption<S extends RevocationStore>(store: S): RevocationStore {
  return { ...store, open: () => atOptionAsync(storeOption, async () => store.open()) }
}

/** Runs the binding of the server's address. Its errors name `options.listen`. */
export function atListenOption<T>(work: () => Promise<T>): Promise<T> {
  return atOptionAsync(listenOption, work)
}

function storeOption({ detail }: PortcullisError): string {
  return detail === NO_DRIVER ? 'options.store.driver' : 'options.store.path'
}

/** Error codes that concern the address; all others concern the port. */
const ABOUT_THE_HOSTNAME = ['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN']

function listenOption({ detail }: PortcullisError): string {
  return ABOUT_THE_HOSTNAME.includes(detail ?? '') ? 'options.listen.hostname' : 'options.listen.port'
}
