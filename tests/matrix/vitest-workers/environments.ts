// Vitest with Cloudflare's plugin: the tests themselves run in workerd.

import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import type { Environment, Running } from '../environment.ts'
import { authorization } from '../hosts/gate.ts'
import { Program } from '../hosts/program.ts'
import { readJson, testKit } from '../hosts/test-kit.ts'
import type { Stage } from '../stage.ts'
import type { Workplace } from '../workplace.ts'

const END_MS = 30_000

interface Answer {
  status: number
  text: string
}

/** Passes questions to a program that fetches them: GET waits for the next one, POST sends its answer. */
class Questions {
  readonly #server = createServer((request, response) => {
    if (request.method === 'GET') return this.#hand(response)
    void json(request).then((answer) => {
      this.#answered?.(answer as Answer)
      response.end()
    })
  })
  #waiting: ServerResponse | undefined
  #next: object | undefined
  #answered: ((answer: Answer) => void) | undefined

  async open(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  ask(question: { path: string; headers: Record<string, string> }): Promise<Answer> {
    return new Promise((resolve) => {
      this.#answered = resolve
      this.#put(question)
    })
  }

  /** Sends an empty question, which ends the program. */
  end(): void {
    this.#put({})
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #put(question: object): void {
    this.#next = question
    if (this.#waiting !== undefined) this.#hand(this.#waiting)
  }

  #hand(response: ServerResponse): void {
    this.#waiting = this.#next === undefined ? response : undefined
    if (this.#next !== undefined) response.end(JSON.stringify(this.#next))
    this.#next = undefined
  }
}

async function start(place: Workplace, stage: Stage): Promise<Running> {
  const questions = new Questions()
  const variables = {
    ...place.variables,
    GATE_OPTIONS: stage.gateOptions,
    QUESTIONS: await questions.open(),
    CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  }
  const program = new Program({ command: 'vitest', parameters: ['run'], folder: place.folder, variables })
  const ended = program.ended(600_000).then((code) => {
    throw new Error(`vitest run exited with ${code}:\n${program.output.trim()}`)
  })
  ended.catch(() => undefined)
  return {
    async ask(token, scope = 'read') {
      const { status, text } = await Promise.race([
        questions.ask({ path: `/${scope}`, headers: authorization(token) }),
        ended,
      ])
      if (status === 200 && (JSON.parse(text) as { sub?: unknown }).sub !== 'user')
        throw new Error(`200 without the token's subject: ${text}`)
      return status
    },
    async close() {
      questions.end()
      const code = await program.ended(END_MS)
      questions.close()
      await program.stop()
      if (code !== 0) throw new Error(`vitest run exited with ${code}:\n${program.output.trim()}`)
    },
  }
}

export const environments: readonly Environment[] = [
  {
    name: 'Vitest, in workerd',
    configuration: "plugins: [cloudflareTest({ wrangler: { configPath: './wrangler.jsonc' } })]; vitest run",
    tier: 'long',
    tool: '@cloudflare/vitest-plugin',
    node: 22,
    start,
  },
  testKit({
    name: 'Vitest, in workerd, test kit',
    example: 'workerd',
    command: 'vitest run --reporter=json --outputFile=report.json',
    file: 'report.json',
    read: readJson,
    tier: 'long',
    tool: '@cloudflare/vitest-plugin',
    node: 22,
  }),
]
