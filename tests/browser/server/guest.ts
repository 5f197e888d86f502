// Uses sessions in a program: prints problems, and exits by itself although sessions are open.

import { problems } from './sessions.ts'

console.log(JSON.stringify(await problems()))
