// A page for a worker that was built separately. It is not an input of a bundler.

import { askThrough } from './worker-client.js'

askThrough(new Worker('/worker.js'))
