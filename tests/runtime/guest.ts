// Runs the suite in a runtime that is a separate program: reads a scenario, writes the results.

import { text } from 'node:stream/consumers'
import type { createGate } from 'portcullis/edge'
import { suite, type Scenario } from './suite.ts'

const scenario = JSON.parse(await text(process.stdin)) as Scenario
const gate = (await import(process.argv[2] ?? 'portcullis/edge')) as { createGate: typeof createGate }
console.log(JSON.stringify(await suite(gate, scenario)))
process.exit(0)
