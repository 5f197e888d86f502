import { createInterface } from 'node:readline/promises'
import { printable } from './printable.ts'
import { UsageError } from './usage.ts'

/** Returns whether input and questions use a terminal. */
export function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true
}

/** Asks on standard error, so that standard output contains results only. An empty reply means no. */
export async function confirm(question: string): Promise<boolean> {
  const asker = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(?:es)?$/i.test((await asker.question(printable(`${question} [y/N] `))).trim())
  } finally {
    asker.close()
  }
}

/** Reads one line without showing it. Rejects with `UsageError` on Ctrl+C and Ctrl+D. */
export function hiddenLine(question: string): Promise<string> {
  const { stdin, stderr } = process
  // Set first, because characters typed before the question must not be shown either.
  stdin.setRawMode(true)
  stdin.setEncoding('utf8')
  stderr.write(question)
  return new Promise((resolve, reject) => {
    let line = ''
    const end = (finish: () => void): void => {
      stdin.off('data', onData)
      stdin.setRawMode(false)
      stdin.pause()
      stderr.write('\n')
      finish()
    }
    const onData = (text: string): void => {
      for (const character of text) {
        if (character === '\r' || character === '\n') return end(() => resolve(line))
        if (character === '\u0003' || character === '\u0004')
          return end(() => reject(new UsageError('interrupted: nothing was changed')))
        line = character === '\u007f' || character === '\b' ? [...line].slice(0, -1).join('') : line + character
      }
    }
    stdin.on('data', onData)
    stdin.resume()
  })
}
