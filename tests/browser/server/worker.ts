// Uses sessions in a worker, where a module may neither send requests nor set timers while it loads.

import { problems } from './sessions.ts'

let found: string[] | undefined

export default {
  /** Checked only once, because the check closes the sessions. */
  fetch: async (): Promise<Response> => Response.json((found ??= await problems())),
}
