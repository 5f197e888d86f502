// The subpaths of the package and the files they name, as declared in package.json.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The module system that resolves a subpath. */
type ModuleSystem = 'import' | 'require'

/** A target of `exports`: a file, or a choice by conditions. */
type Target = string | { readonly [condition: string]: Target }

/** A file to which a subpath may resolve, and the conditions that lead to it. */
interface ExportedFile {
  subpath: string
  conditions: string[]
  file: string
}

/** Lists every file that `exports` names, in the order of package.json. Files are relative to the package's folder. */
function exportedFiles(folder: string): ExportedFile[] {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    exports: Record<string, Target>
  }
  return Object.entries(exports).flatMap(([subpath, target]) =>
    chosen(target, []).map((choice) => ({ subpath, ...choice })),
  )
}

/** Lists the files to which a module system may resolve subpaths, each once. */
export function filesFor(folder: string, system: ModuleSystem): string[] {
  const files = exportedFiles(folder).filter(({ conditions }) => conditions.includes(system))
  return [...new Set(files.map(({ file }) => file))]
}

function chosen(target: Target, conditions: string[]): Omit<ExportedFile, 'subpath'>[] {
  if (typeof target === 'string') return [{ conditions, file: target.replace(/^\.\//, '') }]
  return Object.entries(target).flatMap(([condition, next]) => chosen(next, [...conditions, condition]))
}
