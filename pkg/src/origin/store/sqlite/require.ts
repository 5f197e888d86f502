import { createRequire } from 'node:module'

/**
 * `require` as of this file: a driver is optional, and is loaded in the midst of a call. In a bundle that is CommonJS
 * there is no `import.meta.url`.
 */
export function requireHere(): NodeJS.Require {
  return createRequire(typeof __filename === 'string' ? __filename : import.meta.url)
}
