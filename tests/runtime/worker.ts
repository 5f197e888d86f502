// The suite inside a worker: POST a scenario and get the results.

import { createGate } from 'portcullis/edge'
import { suite, type Scenario } from './suite.ts'

export default {
  async fetch(request: Request): Promise<Response> {
    if (request.method !== 'POST') return new Response('post a scenario')
    const scenario = (await request.json()) as Scenario
    return Response.json(await suite({ createGate }, scenario))
  },
}
