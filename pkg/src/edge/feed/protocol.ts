import { PortcullisError } from '../../errors.ts'

/** The paths below a feed's URL. */
export type FeedPath = 'manifest' | 'deltas' | `sections/${string}` | 'stream' | 'acks' | 'look'

/** Maximum size of a manifest or delta: 4 MiB, room for half a million revocations at once. */
export const MAX_MESSAGE_BYTES: number = 4 * 1024 * 1024
/** Maximum size of a section. A worker has 128 MB in total. */
export const MAX_SECTION_BYTES: number = 32 * 1024 * 1024

/**
 * The minor version of the wire format that this gate reads. Each request states it: an origin sends forms of a later
 * minor version only to readers that request them. It is in the query, because caches ignore headers.
 */
export const WIRE_MINOR = 1

/** Returns the URL of a path below a feed's URL, with the feed's own query and the minor version. */
export function feedUrl({ url: base }: { readonly url: URL }, path: FeedPath, query: Record<string, string> = {}): URL {
  const url = new URL(base)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  url.searchParams.set('minor', String(WIRE_MINOR))
  return url
}

/**
 * Returns whether a state in an older form is waiting for a manifest in this gate's form. Where an older form lacks a
 * fact, it has one that refuses more: a user's logout instead of one disconnected app.
 */
export function isInOlderForm({
  wantsManifest,
  minor,
}: {
  readonly wantsManifest: boolean
  readonly minor: number
}): boolean {
  return wantsManifest && minor < WIRE_MINOR
}

/** Returns the headers of a request to a feed with a credential. */
export function credentialHeaders({ credential }: { readonly credential: string | undefined }): Record<string, string> {
  return credential === undefined ? {} : { authorization: `Bearer ${credential}` }
}

/** Returns whether only a manifest can remedy the refusal of a delta. */
export function isHealedByManifest(error: unknown): error is PortcullisError {
  return error instanceof PortcullisError && HEALED_BY_MANIFEST.includes(error.detail)
}

const HEALED_BY_MANIFEST: readonly (string | undefined)[] = [
  'gap',
  'equivocation',
  'unknown_generation',
  'generation_conflict',
  'too_many_generations',
  'too_many_changes',
]
