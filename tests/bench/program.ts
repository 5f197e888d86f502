// Runs programs of the benchmarks in separate processes: one JSON value in, one out.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

/** Runs `child/{file}` until it exits. */
export async function program<Answer>(
  file: string,
  input: object,
  flags: string[] = [],
  environment: Record<string, string> = {},
): Promise<Answer> {
  const path = fileURLToPath(new URL(`child/${file}`, import.meta.url))
  const parameters = [...flags, '--import', import.meta.resolve('tsx'), path]
  const child = spawn(process.execPath, parameters, {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end(JSON.stringify(input))
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number | null]>])
  if (code !== 0) throw new Error(`child/${file} exited with ${String(code)}`)
  return JSON.parse(output) as Answer
}

/** Reads the input from the parent. */
export async function input<Input>(): Promise<Input> {
  return JSON.parse(await text(process.stdin)) as Input
}

/** Sends the result and exits. */
export function answer(value: object): void {
  process.stdout.write(JSON.stringify(value), () => process.exit(0))
}
