// Checks shell blocks: their syntax, and whether the verbs, options and routes that they use exist.

import { execFile, execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Block } from './blocks.ts'
import { isIn, suiteNames } from './suites.ts'

export const COMMAND = join(
  dirname(createRequire(import.meta.url).resolve('portcullis/package.json')),
  'dist/cli/main.js',
)
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Programs that a block may call. Nothing would check the command of any other program. */
const PROGRAMS = new Set([
  'cargo',
  'cd',
  'curl',
  'docker',
  'export',
  'git',
  'jq',
  'node',
  'npm',
  'npx',
  'printf',
  'read',
  'sed',
])

/**
 * Returns every error as `page:line: message`. `routes` are the routes of an origin, such as `POST
 * /v1/auth/token/revoke`.
 */
export function shellErrors(blocks: readonly Block[], routes: ReadonlySet<string>): string[] {
  return blocks.flatMap((block) => {
    const syntax = syntaxError(block.text)
    const lines = withoutComments(block.text)
    return [
      ...(syntax === undefined ? [] : [syntax]),
      ...unknownPrograms(lines).map((name) => `no test knows the program ${name}`),
      ...unknownWords(lines).map((word) => `portcullis has no ${word}`),
      ...unknownTasks(lines).map((word) => `cargo xtask has no ${word}`),
      ...unknownRoutes(lines, routes).map((route) => `the origin has no ${route}`),
    ].map((error) => `${block.page}:${block.line}: ${error}`)
  })
}

/** Runs the command. Resolves with its output, or with its complaint if it failed. */
export async function portcullis(
  argv: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ printed: string; failure?: string }> {
  try {
    const env = { ...process.env, ...environment }
    return { printed: (await promisify(execFile)(process.execPath, [COMMAND, ...argv], { env })).stdout }
  } catch (error) {
    return { printed: '', failure: String((error as { stderr?: string }).stderr ?? error) }
  }
}

function syntaxError(text: string): string | undefined {
  try {
    execFileSync('bash', ['-n'], { input: text, stdio: ['pipe', 'ignore', 'pipe'] })
    return undefined
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr ?? error).trim()
  }
}

/** Returns the block's commands, one per line. */
function withoutComments(text: string): string[] {
  return text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '')
}

function unknownPrograms(lines: readonly string[]): string[] {
  const named = lines.flatMap((line) => [...line.matchAll(/(?:^|[|;&(] *)(?:\w+=\$\()?([a-z][\w-]*)(?= |$)/g)])
  return named.map(([, name = '']) => name).filter((name) => !PROGRAMS.has(name))
}

/** Returns verbs and options of `npx portcullis` that its help does not list. */
function unknownWords(lines: readonly string[]): string[] {
  const commands = lines.flatMap((line) => [...line.matchAll(/npx portcullis ([a-z]+)([^|&;]*)/g)])
  return commands.flatMap(([, verb = '', rest = '']) => {
    const help = helpOf(verb)
    return help === undefined ? [verb] : optionsOf(rest).flatMap((option) => unless(help, verb, option))
  })
}

/** Returns verbs, options and suites of `cargo xtask` that its usage or its list of suites does not have. */
function unknownTasks(lines: readonly string[]): string[] {
  const usage = readFileSync(join(ROOT, 'xtask/src/main.rs'), 'utf8').split('const USAGE')[1]?.split('";\n', 1)[0] ?? ''
  const commands = lines.flatMap((line) => [...line.matchAll(/cargo xtask ([a-z]+)([^|&;]*)/g)])
  return commands.flatMap(([, verb = '', rest = '']) => {
    if (!new RegExp(`^  ${verb}\\b`, 'm').test(usage)) return [verb]
    const only = verb === 'test' ? [...rest.matchAll(/--only ([\w/.-]+)/g)].map(([, name = '']) => name) : []
    return [
      ...optionsOf(rest).flatMap((option) => unless(usage, verb, option)),
      ...only.filter((name) => !isSuite(name)).map((name) => `suite ${name}`),
    ]
  })
}

/** A suite, or a group of suites: each part of a name up to a slash is one. */
function isSuite(name: string): boolean {
  return suiteNames().some((suite) => isIn(suite, name))
}

/** Requests to an origin that match no route of it. */
function unknownRoutes(lines: readonly string[], routes: ReadonlySet<string>): string[] {
  const requests = lines.flatMap((line) => [...line.matchAll(/\bcurl ([^|]*)/g)].map(([, rest = '']) => rest))
  return requests.flatMap((request) => {
    const [, path] = ORIGINS.exec(request) ?? []
    if (path === undefined) return []
    const [, stated] = /(?:^| )-X ([A-Z]+)/.exec(request) ?? []
    const route = `${stated ?? (/(?:^| )(?:-d|--data)/.test(request) ? 'POST' : 'GET')} ${path.replace(/\?.*/, '')}`
    return [...routes].some((known) => matches(known, route)) ? [] : [route]
  })
}

/** An origin as the pages name it, and the path after it. */
const ORIGINS =
  /(?:\$ORIGIN|https:\/\/revocation\.example\.com|(?:http:\/\/)?(?:localhost|127\.0\.0\.1):8780)(\/[^\s"']*)/

function matches(known: string, route: string): boolean {
  const pattern = known.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{\w+\}/g, '[^/]+')
  return new RegExp(`^${pattern}$`).test(route)
}

function optionsOf(rest: string): string[] {
  return [...rest.matchAll(/(?<= )--[a-z-]+/g)].map(([option]) => option).filter((option) => option !== '--help')
}

function unless(help: string, verb: string, option: string): string[] {
  return new RegExp(`${option}(?![\\w-])`).test(help) ? [] : [`${verb} ${option}`]
}

const helps = new Map<string, string | undefined>()

function helpOf(verb: string): string | undefined {
  if (!helps.has(verb)) helps.set(verb, readHelp(verb))
  return helps.get(verb)
}

function readHelp(verb: string): string | undefined {
  try {
    return execFileSync(process.execPath, [COMMAND, verb, '--help'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  } catch {
    return undefined
  }
}
