import { within } from '../timing/deadline.ts'
import type { ClearOptions, IndexedDbItem, TokenStorage } from './types.ts'

/** Maximum wait for one part. A database that another page holds open cannot be deleted until that page closes it. */
const CLEAR_TIMEOUT_MS = 2_000

/**
 * Clears all listed parts; the synchronous ones are cleared when this returns. Resolves with the names of parts that
 * could not be cleared. Never rejects.
 */
export async function clear(
  { memory, localStorage = [], sessionStorage = [], indexedDB = [], caches = [] }: ClearOptions,
  storage?: TokenStorage,
): Promise<string[]> {
  const all: Promise<string[]>[] = [
    ...(storage === undefined ? [] : [attempt('storage', () => storage.clear())]),
    ...(memory === undefined ? [] : [attempt('memory', memory)]),
    ...localStorage.map((key) => attempt(`localStorage:${key}`, () => globalThis.localStorage.removeItem(key))),
    ...sessionStorage.map((key) => attempt(`sessionStorage:${key}`, () => globalThis.sessionStorage.removeItem(key))),
    ...indexedDB.map((item) => attempt(`indexedDB:${nameOf(item)}`, () => clearIndexedDb(item))),
    ...caches.map((name) => attempt(`caches:${name}`, () => globalThis.caches.delete(name))),
  ]
  return (await Promise.all(all)).flat()
}

/** Runs `act`. Returns an empty array if it succeeds in time, otherwise an array with `name`. */
async function attempt(name: string, act: () => unknown): Promise<string[]> {
  try {
    // The returned value may be a Promise of another implementation, as with zone.js.
    return (await within(Promise.resolve(act()), CLEAR_TIMEOUT_MS)) === 'done' ? [] : [name]
  } catch {
    return [name]
  }
}

function nameOf(item: IndexedDbItem): string {
  return typeof item === 'string' ? item : `${item.database}/${item.store}`
}

function clearIndexedDb(item: IndexedDbItem): Promise<unknown> {
  return typeof item === 'string' ? settled(globalThis.indexedDB.deleteDatabase(item)) : clearStore(item)
}

async function clearStore({ database: name, store, key }: Exclude<IndexedDbItem, string>): Promise<void> {
  const opening = globalThis.indexedDB.open(name)
  let isNew = false
  opening.onupgradeneeded = () => {
    // The database did not exist, and opening it must not create it.
    isNew = true
    opening.transaction?.abort()
  }
  const database = await settled(opening).catch((error: unknown) => {
    if (!isNew) throw error
  })
  if (database === undefined) return
  try {
    if (!database.objectStoreNames.contains(store)) return
    const transaction = database.transaction(store, 'readwrite')
    const objects = transaction.objectStore(store)
    if (key === undefined) objects.clear()
    else objects.delete(key)
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(transaction.error)
    })
  } finally {
    database.close()
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
