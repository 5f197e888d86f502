import { decodeJwt } from 'jose'

/** Only requests that `proxy.ts` has accepted arrive here. */
export function GET(request: Request) {
  const [, token = ''] = request.headers.get('authorization')?.split(' ') ?? []
  return Response.json({ sub: decodeJwt(token).sub })
}
