// Checks shell blocks: their syntax, and whether the command has the verbs and options that they use.

import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Block } from './blocks.ts'

const COMMAND = join(dirname(createRequire(import.meta.url).resolve('portcullis/package.json')), 'dist/cli/main.js')

/** Returns every error as `page:line: message`. */
export function shellErrors(blocks: readonly Block[]): string[] {
  return blocks.flatMap((block) => {
    const place = `${block.page}:${block.line}`
    const syntax = syntaxError(block.text)
    return [
      ...(syntax === undefined ? [] : [`${place}: ${syntax}`]),
      ...unknownWords(block.text).map((word) => `${place}: portcullis has no ${word}`),
    ]
  })
}

function syntaxError(text: string): string | undefined {
  try {
    execFileSync('bash', ['-n'], { input: text, stdio: ['pipe', 'ignore', 'pipe'] })
    return undefined
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr ?? error).trim()
  }
}

/** Returns the verbs and options of `npx portcullis` that its help does not list. */
function unknownWords(text: string): string[] {
  const commands = [...text.replaceAll('\\\n', ' ').matchAll(/npx portcullis ([a-z]+)([^#|&;\n]*)/g)]
  return commands.flatMap(([, verb = '', rest = '']) => {
    const help = helpOf(verb)
    if (help === undefined) return [verb]
    const options = [...rest.matchAll(/(?<= )--[a-z-]+/g)].map(([option]) => option)
    return options
      .filter((option) => option !== '--help' && !help.includes(option))
      .map((option) => `${verb} ${option}`)
  })
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
