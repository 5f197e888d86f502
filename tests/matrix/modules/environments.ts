// Both module systems in the oldest Node releases that `engines` allows, where `require` of an ES module is new.

import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Checked, Unavailable } from '../environment.ts'

const PROGRAM = fileURLToPath(new URL('../../pack/both-systems.mjs', import.meta.url))
const PACKAGE = new URL('../../../pkg/package.json', import.meta.url)

interface Report {
  accepted: { import: string; require: string }
  caught: { import: boolean; require: boolean }
}

export const environments: readonly Checked[] = ['20.19.0', '22.12.0'].map((version) => ({
  name: `node ${version}, both module systems`,
  configuration: "node both-systems.mjs: import and require of 'portcullis/edge', require of 'portcullis/origin'",
  tier: 'long',
  tool: `node-${version}-linux-x64`,
  async check(place) {
    const { engines } = JSON.parse(await readFile(PACKAGE, 'utf8')) as { engines: { node: string } }
    if (!engines.node.split(/[^\d.]+/).includes(version))
      throw new Error(`engines names ${engines.node}, not ${version}`)
    if (`${process.platform}-${process.arch}` !== 'linux-x64')
      throw new Unavailable('the binaries here are for linux-x64')
    await copyFile(PROGRAM, join(place.folder, 'both-systems.mjs'))
    const output = await place.run(`node_modules/node-${version}-linux-x64/bin/node`, ['both-systems.mjs'])
    const { accepted, caught } = JSON.parse(output.trim().split('\n').at(-1) ?? '') as Report
    if (accepted.import !== 'user' || accepted.require !== 'user' || !caught.import || !caught.require)
      throw new Error(output)
  },
}))
