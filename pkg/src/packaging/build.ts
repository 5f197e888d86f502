// Creates the files of the package that are derived from compiled ones. `cargo xtask build` runs it after wasm-opt and
// tsc.

import { fileURLToPath } from 'node:url'
import { removeComments } from './comments.ts'
import { writeCommonJs } from './commonjs.ts'
import { writeDeclarations } from './declarations.ts'
import { embedModules } from './embed.ts'
import { joinEntries, joinTestKit } from './join.ts'

const PACKAGE = fileURLToPath(new URL('../../', import.meta.url))

embedModules(PACKAGE)
removeComments(PACKAGE)
await joinEntries(PACKAGE)
writeDeclarations(PACKAGE)
writeCommonJs(PACKAGE)
await joinTestKit(PACKAGE)
