// The system calls of the origin show that a revocation gets its response only after its fsync.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Client } from '../www/demo/client.ts'
import { pause } from '../www/demo/child.ts'
import { startOrigin } from '../www/demo/start-origin.ts'
import { openPlace } from './place.ts'

const skip = process.env['STRACE'] === 'no' ? 'strace is not installed' : false

test('the log is synced before each response', { skip, timeout: 60_000 }, async () => {
  const place = await openPlace()
  try {
    const origin = await startOrigin(place, { push: false })
    place.children.push(origin)
    const client = new Client(place)
    const tokens = await Promise.all(Array.from({ length: 5 }, () => client.logIn('alice')))

    const trace = join(place.folder, 'trace.txt')
    const filter = 'trace=fsync,fdatasync,write,writev,sendto,sendmsg'
    const strace = spawn('strace', ['-f', '-y', '-s', '64', '-e', filter, '-o', trace, '-p', String(origin.pid)])
    const attached = await Promise.race([
      once(strace.stderr, 'data').then(([text]) => String(text)),
      once(strace, 'exit').then(() => 'exit'),
    ])
    assert.match(attached, /attached/, 'strace could not attach to the origin')
    for (const login of tokens) {
      const answer = await client.revoke(login.access_token)
      assert.equal(answer.status, 200)
    }
    await pause(200)
    strace.kill('SIGINT')
    await once(strace, 'exit')

    // In order: between one response with `HTTP/1.1 200` and the next there must be a sync of the write-ahead log.
    let synced = false
    let answers = 0
    for (const line of (await readFile(trace, 'utf8')).split('\n')) {
      if (/f(data)?sync\(\d+<[^>]*-wal>/.test(line)) synced = true
      if (line.includes('HTTP/1.1 200') && line.includes('socket')) {
        answers += 1
        assert.ok(synced, `response ${answers} was sent before the log was synced`)
        synced = false
      }
    }
    assert.equal(answers, tokens.length, 'not every response was seen')
  } finally {
    await place.close()
  }
})
