// A lock between processes of this machine: a file that names its holder.

import { readFile, unlink, writeFile } from 'node:fs/promises'
import { pause } from '../www/demo/child.ts'

const RETRY_MS = 500

/** Does the work while no other process holds the lock. That of a process that has ended is taken over. */
export async function locked<T>(file: string, work: () => Promise<T>): Promise<T> {
  while (!(await taken(file))) {
    const holder = Number(await readFile(file, 'utf8').catch(() => ''))
    if (holder > 0 && !isRunning(holder)) await unlink(file).catch(() => undefined)
    else await pause(RETRY_MS)
  }
  try {
    return await work()
  } finally {
    await unlink(file)
  }
}

async function taken(file: string): Promise<boolean> {
  return writeFile(file, String(process.pid), { flag: 'wx' }).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false
      throw error
    },
  )
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
