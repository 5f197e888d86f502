import { Controller, Get, Req } from '@nestjs/common'
import type { Accepted } from 'portcullis'
import { Access } from './auth.guard.js'

function askDirectory(): boolean {
  throw new Error('the directory is unreachable')
}

@Controller()
export class AppController {
  @Get('read')
  @Access({ scope: ['read'] })
  read(@Req() { auth }: { auth: Accepted }) {
    return { sub: auth.claims.sub }
  }

  @Get('write')
  @Access({ scope: ['write'] })
  write(@Req() { auth }: { auth: Accepted }) {
    return { sub: auth.claims.sub }
  }

  @Get('directory')
  @Access({ authorize: askDirectory })
  directory(@Req() { auth }: { auth: Accepted }) {
    return { sub: auth.claims.sub }
  }
}
