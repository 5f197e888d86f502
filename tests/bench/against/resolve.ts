// Imported before a program: lets it import the package of the build in `BENCH_PACKAGE`.

import { register } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const { BENCH_PACKAGE } = process.env
if (BENCH_PACKAGE === undefined) throw new Error('BENCH_PACKAGE must name a package')
register('./resolve-hooks.mjs', import.meta.url, {
  data: { parent: pathToFileURL(join(BENCH_PACKAGE, 'package.json')).href },
})
