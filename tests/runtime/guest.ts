// The suite in a runtime that is a program of its own: a scenario comes in, the results go out.

import { text } from 'node:stream/consumers'
import type { createGate } from 'portcullis/edge'
import { suite, type Scenario } from './suite.ts'

const scenario = JSON.parse(await text(process.stdin)) as Scenario
const gate = (await import(process.argv[2] ?? 'portcullis/edge')) as { createGate: typeof createGate }
console.log(JSON.stringify(await suite(gate, scenario)))
process.exit(0)
