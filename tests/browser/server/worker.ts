// The sessions in a worker, where a module may neither send nor set a timer while it loads.

import { problems } from './sessions.ts'

let found: string[] | undefined

export default {
  /** Found out once: the sessions are closed afterwards. */
  fetch: async (): Promise<Response> => Response.json((found ??= await problems())),
}
