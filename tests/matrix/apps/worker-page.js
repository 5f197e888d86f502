// A page whose worker is a module that the bundler finds by its URL.

import { askThrough } from './worker-client.js'

askThrough(new Worker(new URL('./web-worker.js', import.meta.url), { type: 'module' }))
