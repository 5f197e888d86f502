// The suite in a runtime that is a program of its own: a scenario comes in, the results go out.

import { text } from 'node:stream/consumers'
import { createGate } from 'portcullis/edge'
import { suite, type Scenario } from './suite.ts'

const scenario = JSON.parse(await text(process.stdin)) as Scenario
console.log(JSON.stringify(await suite({ createGate }, scenario)))
process.exit(0)
