// Responds to every introspection request with `active` at once.

import { createServer } from 'node:http'

createServer((request, response) => {
  request.resume().on('end', () => {
    response.setHeader('content-type', 'application/json')
    response.end('{"active":true}')
  })
}).listen(Number(process.env['BENCH_PORT']), '127.0.0.1')
