// The sessions in a program: prints what is wrong, and ends by itself although sessions are open.

import { problems } from './sessions.ts'

console.log(JSON.stringify(await problems()))
