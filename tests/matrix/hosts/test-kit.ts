// Runs the examples of the test kit in their test runners: every test must pass within a second.

import { cp, readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Checked } from '../environment.ts'
import type { Workplace } from '../workplace.ts'

export const EXAMPLES = fileURLToPath(new URL('../../../www/examples/testing', import.meta.url))
/** A folder below the tool's, so that the example finds the tool's packages and the package. */
const FOLDER = 'kit'
const MAX_TEST_MS = 1000

/** A passed test and its duration. */
interface Passed {
  name: string
  ms: number
}

interface ExampleOptions extends Pick<Checked, 'name' | 'tier' | 'tool' | 'node'> {
  /** The folder in `www/examples/testing`. */
  example: string
  /** The command to run in that folder. */
  command: string
  /** The file to which it writes its report. Default: it prints the report. */
  file?: string
  /** Reads the report. Throws if it contains a failed test. */
  read(report: string): Passed[]
}

export function testKit({ example, command, file, read, ...described }: ExampleOptions): Checked {
  return {
    ...described,
    configuration: command,
    async check(place) {
      const [program = '', ...parameters] = command.split(' ')
      const folder = await copied(place, example)
      const printed = await place.run(program, parameters, { folder })
      const passed = read(file === undefined ? printed : await readFile(join(folder, file), 'utf8'))
      if (passed.length < 4) throw new Error(`${passed.length} tests have run`)
      for (const { name, ms } of passed) if (ms >= MAX_TEST_MS) throw new Error(`"${name}" took ${Math.round(ms)} ms`)
    },
  }
}

async function copied(place: Workplace, example: string): Promise<string> {
  const folder = join(place.folder, FOLDER)
  await rm(folder, { recursive: true, force: true })
  await cp(join(EXAMPLES, example), folder, {
    recursive: true,
    filter: (source) => basename(source) !== 'node_modules',
  })
  return folder
}

interface JsonReport {
  testResults: { message?: string; assertionResults: { title: string; status: string; duration?: number | null }[] }[]
}

/** Reads a report of Jest's `--json` or Vitest's reporter `json`: the last line that is an object. */
export function readJson(output: string): Passed[] {
  const line = output.split('\n').findLast((each) => each.startsWith('{'))
  if (line === undefined) throw new Error(`the report is missing:\n${output}`)
  const { testResults } = JSON.parse(line) as JsonReport
  return testResults.flatMap(({ message, assertionResults }) => {
    const failed = assertionResults.find(({ status }) => status !== 'passed')
    if (failed !== undefined || assertionResults.length === 0)
      throw new Error(`"${failed?.title}" has not passed: ${message}`)
    return assertionResults.map(({ title, duration }) => ({ name: title, ms: duration ?? Infinity }))
  })
}

/** Reads a report of Node's reporter `junit`. */
export function readJunit(output: string): Passed[] {
  if (/<failure|<skipped/.test(output)) throw new Error(`a test has not passed:\n${output}`)
  return [...output.matchAll(/<testcase name="([^"]*)" time="([\d.]+)"/g)].map(([, name = '', seconds]) => ({
    name,
    ms: Number(seconds) * 1000,
  }))
}
