// A demo for a single test: free ports, a separate folder, stopped with the test.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, type Child } from '../www/demo/child.ts'
import type { Place } from '../www/demo/settings.ts'

export interface Stage extends Place {
  children: Child[]
  close(): Promise<void>
}

export async function openPlace(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-'))
  const children: Child[] = []
  return {
    originPort: await freePort(),
    edgePort: await freePort(),
    folder,
    children,
    async close() {
      await Promise.all(children.map((child) => child.stop('SIGKILL')))
      await rm(folder, { recursive: true, force: true })
    },
  }
}
