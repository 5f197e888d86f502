// A lock between processes on this machine: a file with the holder's process id.

import { readFile, unlink, writeFile } from 'node:fs/promises'
import { pause } from '../www/demo/child.ts'

const RETRY_MS = 500

/** Runs `work` while no other process holds the lock. Takes over the lock of a process that has exited. */
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
