import { Elysia } from 'elysia'
import type { AccessOptions } from 'portcullis'
import { gate } from './gate.ts'

/** A route's `protect` passes requests with a valid token on; the verdict is `auth` in its handler. */
export const auth = new Elysia({ name: 'auth' }).macro({
  protect(options: AccessOptions) {
    const authenticate = gate.authenticator(options)
    return {
      async resolve({ request }) {
        const verdict = await authenticate(request)
        if (!verdict.ok) throw gate.challenge(verdict)
        return { auth: verdict }
      },
    }
  },
})
