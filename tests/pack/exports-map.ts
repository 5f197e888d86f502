// The promises of the package: the files behind `exports`, and those that its declarations name.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import ts from 'typescript'

type Target = string | { [condition: string]: Target }

/** One file that a subpath may give, and the conditions that lead to it. */
export interface ExportedFile {
  subpath: string
  conditions: string[]
  file: string
}

/** Resolves to every file that `exports` names, in its order, relative to the folder of the package. */
export async function exportedFiles(folder: string): Promise<ExportedFile[]> {
  const { exports } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    exports: Record<string, Target>
  }
  return Object.entries(exports).flatMap(([subpath, target]) =>
    choices(target, []).map((choice) => ({ subpath, ...choice })),
  )
}

function choices(target: Target, conditions: string[]): Omit<ExportedFile, 'subpath'>[] {
  if (typeof target === 'string') return [{ conditions, file: target.replace(/^\.\//, '') }]
  return Object.entries(target).flatMap(([condition, next]) => choices(next, [...conditions, condition]))
}

/** Returns the modules that declarations name, by TypeScript's own reading. */
export function namedModules(declarations: string): string[] {
  return ts.preProcessFile(declarations).importedFiles.map(({ fileName }) => fileName)
}
