// The examples of the test kit, run where their runner runs tests: every test passes within a second.

import { cp, readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Checked } from '../environment.ts'
import type { Workplace } from '../workplace.ts'

export const EXAMPLES = fileURLToPath(new URL('../../../www/examples/testing', import.meta.url))
/** In the tool's folder, so that the example finds the tool's packages and the package. */
const FOLDER = 'kit'
const MAX_TEST_MS = 1000

/** A test that has passed, and how long it took. */
export interface Passed {
  name: string
  ms: number
}

export interface ExampleOptions extends Pick<Checked, 'name' | 'tier' | 'tool' | 'node'> {
  /** The folder in `www/examples/testing`. */
  example: string
  /** The command, in that folder. */
  command: string
  /** The file that it writes its report to. Default: it prints it. */
  file?: string
  /** Reads the report. Throws for one that has a failed test. */
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

/** The report of Jest's `--json` and of Vitest's reporter of that name: the last line that is an object. */
export function readJson(output: string): Passed[] {
  const line = output.split('\n').findLast((each) => each.startsWith('{'))
  if (line === undefined) throw new Error(`there is no report:\n${output}`)
  const { testResults } = JSON.parse(line) as JsonReport
  return testResults.flatMap(({ message, assertionResults }) => {
    const failed = assertionResults.find(({ status }) => status !== 'passed')
    if (failed !== undefined || assertionResults.length === 0)
      throw new Error(`"${failed?.title}" has not passed: ${message}`)
    return assertionResults.map(({ title, duration }) => ({ name: title, ms: duration ?? Infinity }))
  })
}

/** The report of Node's reporter `junit`. */
export function readJunit(output: string): Passed[] {
  if (/<failure|<skipped/.test(output)) throw new Error(`a test has not passed:\n${output}`)
  return [...output.matchAll(/<testcase name="([^"]*)" time="([\d.]+)"/g)].map(([, name = '', seconds]) => ({
    name,
    ms: Number(seconds) * 1000,
  }))
}
