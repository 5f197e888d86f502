// Ports, folders and names of the demo.

import { fileURLToPath } from 'node:url'

export const ORIGIN_PORT = 8780
export const EDGE_PORT = 8787
export const REALM = 'acme'
/** A second realm, whose issuer signs with a shared key and names itself in the claim `realm`. */
export const INHOUSE_REALM = 'inhouse'
/** The edge worker's name at the origin. */
export const EDGE_NAME = 'edge-1'

/** Data kept between runs: the database and the feed's key. */
export const DATA_FOLDER = fileURLToPath(new URL('../.demo', import.meta.url))

/** Where the pages are built and served from. */
export const PAGES_FOLDER = fileURLToPath(new URL('../dist/pages', import.meta.url))

/** One running demo: its origin, its edge, and the folder that holds its data. */
export interface Place {
  originPort: number
  edgePort: number
  folder: string
}

export const DEMO: Place = { originPort: ORIGIN_PORT, edgePort: EDGE_PORT, folder: DATA_FOLDER }

export function originUrl(place: Place): string {
  return `http://127.0.0.1:${place.originPort}`
}

export function edgeUrl(place: Place): string {
  return `http://127.0.0.1:${place.edgePort}`
}
