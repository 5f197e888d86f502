import { readFileSync } from 'node:fs'
import { load } from '../../origin/core.ts'

load(readFileSync(new URL('../../../wasm/origin/core_bg.wasm', import.meta.url)))

export * from '../../origin/index.ts'
