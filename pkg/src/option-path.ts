import { PortcullisError } from './errors.ts'

/** The path of an option, or a function that derives it from an error. */
type OptionPath = string | ((error: PortcullisError) => string)

/** Runs `work`. Its errors name the option at `path`: `options.x` of a part of the configuration becomes `path.x`. */
export function atOption<T>(path: OptionPath, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw located(error, path)
  }
}

/** The asynchronous form of `atOption`. */
export async function atOptionAsync<T>(path: OptionPath, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw located(error, path)
  }
}

/** Relocates `invalid_option` errors. Errors of other kinds are faults and stay unchanged. */
function located(error: unknown, at: OptionPath): unknown {
  if (!(error instanceof PortcullisError)) return error
  const path = typeof at === 'string' ? at : at(error)
  const { code, message, detail } = error
  const located = message.startsWith('options.')
    ? message.replaceAll(/\boptions\./g, `${path}.`)
    : `${path}: ${message}`
  return new PortcullisError(code, located, { cause: error, ...(detail === undefined ? {} : { detail }) })
}
