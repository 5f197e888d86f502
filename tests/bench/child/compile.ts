// Compiles and instantiates a module in a process that has never seen it.

import { readFile } from 'node:fs/promises'
import { answer, input } from '../program.ts'

export interface ColdStart {
  compileMs: number
  instantiateMs: number
}

const { path } = await input<{ path: string }>()
const bytes = await readFile(path)
const start = performance.now()
const module = new WebAssembly.Module(bytes)
const compiled = performance.now()
const imports: Record<string, Record<string, () => void>> = {}
for (const { module: from, name } of WebAssembly.Module.imports(module)) (imports[from] ??= {})[name] = () => undefined
new WebAssembly.Instance(module, imports)
answer({ compileMs: compiled - start, instantiateMs: performance.now() - compiled } satisfies ColdStart)
