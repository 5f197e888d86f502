import { type CanActivate, type ExecutionContext, HttpException, Injectable } from '@nestjs/common'
import { Reflector } from '@nestjs/core'
import type { AccessOptions } from 'portcullis'
import { requestLike } from 'portcullis/node'
import { gate } from './gate.js'

/** The access that a controller or route needs: `@Access({ scope: ['read'] })`. Without it any valid token suffices. */
export const Access = Reflector.createDecorator<AccessOptions>()

/** Passes requests with a valid token on; the verdict is in request.auth. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp()
    const request = http.getRequest()
    const access = this.reflector.getAllAndOverride(Access, [context.getHandler(), context.getClass()])
    const verdict = await gate.authenticate(requestLike(request.raw ?? request), access)
    if (!verdict.ok) {
      const refusal = gate.challenge(verdict)
      for (const [name, value] of refusal.headers) http.getResponse().header(name, value)
      throw new HttpException(await refusal.json(), refusal.status)
    }
    request.auth = verdict
    return true
  }
}
