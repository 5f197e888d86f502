// A page beside a worker that was built by itself. It is no input of a bundler.

import { askThrough } from './worker-client.js'

askThrough(new Worker('/worker.js'))
