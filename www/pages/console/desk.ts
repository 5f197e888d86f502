// Types shared by the console's sections.

import type { Demo } from '../parts/api.ts'
import type { Administration, Enforcement } from './administration.ts'
import type { Question } from './dialog.ts'
import type { AdminSession } from './session.ts'

/** An action of the administrator. */
export interface Deed extends Omit<Question, 'run'> {
  /** A sentence that reports the completed action. */
  done: string
  /** Whether it also ends the administrator's own login; a function is called after the action. Default `goes_on`. */
  ownLogin?: OwnLogin | (() => OwnLogin)
  run(reason: string): Promise<Enforcement>
}

type OwnLogin = 'ends' | 'goes_on'

export interface Desk {
  demo: Demo
  administration: Administration
  session: AdminSession
  /**
   * Asks for confirmation, performs the action and shows how many edges enforce it. Resolves with whether it was done.
   */
  perform(deed: Deed): Promise<boolean>
  /** Returns the name of the user with this `sub`; `undefined` if unknown. */
  nameOf(sub: string): string | undefined
  /** Aborted when the user leaves the section. */
  signal: AbortSignal
}

/** A section of the console. */
export interface Section {
  /** Its name in the URL fragment: `#users`. */
  name: string
  title: string
  /** Renders the section. `rest` follows its name in the fragment, `parameters` follow the question mark. */
  open(desk: Desk, rest: string | undefined, parameters: URLSearchParams): readonly Node[]
}

/** Returns the URL fragment of a section. */
export function addressOf(section: string, rest?: string, parameters: Record<string, string> = {}): string {
  const query = new URLSearchParams(parameters).toString()
  return `#${section}${rest === undefined ? '' : `/${encodeURIComponent(rest)}`}${query === '' ? '' : `?${query}`}`
}
