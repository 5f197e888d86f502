// The files behind the package's `exports`, and the modules that its declarations import.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import ts from 'typescript'

type Target = string | { [condition: string]: Target }

/** A file to which a subpath may resolve, and the conditions for it. */
export interface ExportedFile {
  subpath: string
  conditions: string[]
  file: string
}

/** Resolves to every file in `exports`, in order, relative to the folder of the package. */
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

/** Returns the modules that declarations import, as TypeScript parses them. */
export function namedModules(declarations: string): string[] {
  return ts.preProcessFile(declarations).importedFiles.map(({ fileName }) => fileName)
}
