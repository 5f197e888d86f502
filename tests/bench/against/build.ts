// One of the two builds: the path of its package, and programs that import it.

import { join } from 'node:path'

/** A checkout with its package built. */
export interface Build {
  /** `before` is the commit named on the command line, `after` this checkout. */
  label: 'before' | 'after'
  root: string
}

export interface Builds {
  before: Build
  after: Build
}

export function packageOf({ root }: Build): string {
  return join(root, 'pkg')
}

/** Node's flags for a TypeScript program that imports the package of a build. */
export const FLAGS: readonly string[] = [
  '--import',
  import.meta.resolve('tsx'),
  '--import',
  new URL('resolve.ts', import.meta.url).href,
]

export function environmentOf(build: Build): Record<string, string> {
  return { BENCH_PACKAGE: packageOf(build) }
}
