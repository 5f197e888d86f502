import { createRequire } from 'node:module'

/**
 * Returns `require` relative to this file: a driver is optional, and is loaded during a call. In a CommonJS bundle
 * there is no `import.meta.url`.
 */
export function requireHere(): NodeJS.Require {
  return createRequire(typeof __filename === 'string' ? __filename : import.meta.url)
}
