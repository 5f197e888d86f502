// The parts shared by the console's sections.

import type { Demo } from '../parts/api.ts'
import type { Administration, Enforcement } from './administration.ts'
import type { Question } from './dialog.ts'
import type { AdminSession } from './session.ts'

/** Something that an administrator does. */
export interface Deed extends Omit<Question, 'run'> {
  /** The finished act, as a sentence. */
  done: string
  /** Whether it also ends the administrator's own login, asked after the act; default `goes_on`. */
  ownLogin?: OwnLogin | (() => OwnLogin)
  run(reason: string): Promise<Enforcement>
}

export type OwnLogin = 'ends' | 'goes_on'

export interface Desk {
  demo: Demo
  administration: Administration
  session: AdminSession
  /** Asks, does it, and says how many edges enforce it. Resolves with whether it was done. */
  perform(deed: Deed): Promise<boolean>
  /** A user's name by `sub`; `undefined` if unknown. */
  nameOf(sub: string): string | undefined
  /** Aborted when the section is left. */
  signal: AbortSignal
}

/** A section of the console. */
export interface Section {
  /** In the address: `#users`. */
  name: string
  title: string
  /** Shows the section; `rest` follows its name in the address, `parameters` follow the question mark. */
  open(desk: Desk, rest: string | undefined, parameters: URLSearchParams): readonly Node[]
}

/** The address of a section. */
export function addressOf(section: string, rest?: string, parameters: Record<string, string> = {}): string {
  const query = new URLSearchParams(parameters).toString()
  return `#${section}${rest === undefined ? '' : `/${encodeURIComponent(rest)}`}${query === '' ? '' : `?${query}`}`
}
