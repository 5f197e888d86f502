// The demo's worker, and the handler that it protects once more without protection.

import demo from '../../../www/demo/worker.ts'

/** As much to say as the protected handler has. */
const CLAIMS = {
  iss: 'https://issuer.example/realms/acme',
  sub: '5b3d9a0e-3f0d-4c5e-9f0d-5f8f6c1f6a11',
  aud: 'api',
  azp: 'demo',
  iat: 1_700_000_000,
  exp: 1_700_000_300,
  jti: '0e9a6a54-6b6a-4a39-9d31-2cf7d2a4f4ba',
  token_use: 'access',
}

export default {
  async fetch(
    request: Request,
    ...rest: [Parameters<typeof demo.fetch>[1], Parameters<typeof demo.fetch>[2]]
  ): Promise<Response> {
    if (new URL(request.url).pathname === '/open') return Response.json({ ...CLAIMS, claims: CLAIMS, sequence: 0 })
    return demo.fetch(request, ...rest)
  },
}
