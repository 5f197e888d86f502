import { PortcullisError } from '../../errors.ts'

/** The paths below a feed's URL. */
export type FeedPath = 'manifest' | 'deltas' | `sections/${string}` | 'stream' | 'acks' | 'look'

/** The largest manifest or delta read: 4 MiB, room for half a million revocations at once. */
export const MAX_MESSAGE_BYTES: number = 4 * 1024 * 1024
/** The largest section read. A worker has 128 MB in all. */
export const MAX_SECTION_BYTES: number = 32 * 1024 * 1024

/**
 * The minor version of the wire format that this gate reads. Each request names it: an origin sends forms of a later
 * minor only to readers that request them. It is in the query, since caches ignore headers.
 */
export const WIRE_MINOR = 1

/** A path below a feed's URL, whose own query is kept, with the minor version. */
export function feedUrl({ url: base }: { readonly url: URL }, path: FeedPath, query: Record<string, string> = {}): URL {
  const url = new URL(base)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  url.searchParams.set('minor', String(WIRE_MINOR))
  return url
}

/**
 * Whether a state in an older form waits for a manifest in that of this gate. An older form has, in place of a fact
 * that it lacks, one that refuses more: a user's logout for one disconnected app.
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

/** The headers of a request to a feed with a credential. */
export function credentialHeaders({ credential }: { readonly credential: string | undefined }): Record<string, string> {
  return credential === undefined ? {} : { authorization: `Bearer ${credential}` }
}

/** Whether a refusal of a delta can only be healed by a manifest. */
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
