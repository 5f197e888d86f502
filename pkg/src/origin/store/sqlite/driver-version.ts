import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isObject } from '../../../options.ts'
import { requireHere } from './require.ts'

/**
 * From this version on `better-sqlite3` needs Node 22, contrary to its manifest: an older Node crashes with SIGSEGV.
 */
const NEEDS_NODE_22 = 13
/** A version that every supported Node can load. */
const LOADABLE_EVERYWHERE = 12

type Version = readonly [major: number, minor: number, patch: number]

/** The command that installs the driver for the running Node. */
export const INSTALL_DRIVER: string = isOlder(versionOf(process.versions.node), [22, 0, 0])
  ? `npm install better-sqlite3@${LOADABLE_EVERYWHERE}`
  : 'npm install better-sqlite3'

/**
 * Returns why the installed `better-sqlite3` must not be loaded: this Node is older than all versions that it supports,
 * and loading an incompatible native module ends the process. Only its manifest is read; none of its code runs. Returns
 * `undefined` if it may be tried or is not installed. A Node that is too new is not a reason, because the version lists
 * lag behind.
 */
export function driverMisfit(node: string = process.versions.node): string | undefined {
  const { version, engines } = installedManifest() ?? {}
  if (typeof version !== 'string') return undefined
  const listed = isObject(engines) ? oldestOf(engines['node']) : undefined
  const needed = listed ?? (versionOf(version)[0] >= NEEDS_NODE_22 ? ([22, 0, 0] as const) : undefined)
  if (needed === undefined || !isOlder(versionOf(node), needed)) return undefined
  const oldest = needed.join('.').replace(/(?:\.0)+$/, '')
  return (
    `better-sqlite3 ${versionOf(version).join('.')} needs Node ${oldest} or later and would crash Node ${node}: ` +
    `npm install better-sqlite3@${LOADABLE_EVERYWHERE}`
  )
}

/** Returns the manifest of the package that `require('better-sqlite3')` would load. */
function installedManifest(): Record<string, unknown> | undefined {
  const require = requireHere()
  const folders = require.resolve.paths('better-sqlite3') ?? []
  const file = folders.map((folder) => join(folder, 'better-sqlite3', 'package.json')).find((each) => existsSync(each))
  if (file === undefined) return undefined
  try {
    const manifest: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return isObject(manifest) ? manifest : undefined
  } catch {
    return undefined
  }
}

/**
 * Returns the oldest version in a range such as `20.x || 22.x` or `>=22`; `undefined` if it has no lower bound or is
 * another kind of range.
 */
function oldestOf(range: unknown): Version | undefined {
  if (typeof range !== 'string') return undefined
  const ends = range.split('||').map((part) => /^\s*(?:>=|\^|~|=)?\s*v?(\d[\d.x*]*)\s*(?:<.*)?$/.exec(part)?.[1])
  let oldest: Version | undefined
  for (const end of ends) {
    if (end === undefined) return undefined
    const version = versionOf(end)
    if (oldest === undefined || isOlder(version, oldest)) oldest = version
  }
  return oldest
}

/** A missing or non-numeric part counts as 0. */
function versionOf(text: string): Version {
  const [major = 0, minor = 0, patch = 0] = text.split('.').map((part) => Number.parseInt(part, 10) || 0)
  return [major, minor, patch]
}

function isOlder(one: Version, other: Version): boolean {
  const at = one.findIndex((part, index) => part !== other[index])
  return at !== -1 && (one[at] ?? 0) < (other[at] ?? 0)
}
