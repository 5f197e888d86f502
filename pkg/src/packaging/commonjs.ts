// The CommonJS copy of everything that `require` reaches: the same tree under dist/cjs, made from the built ES modules.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { compileFunction } from 'node:vm'
import ts from 'typescript'
import { filesFor } from './exports-map.ts'
import { commonJsCopy, copiedFrom, reached, specifierFor, specifierIn, targetOf } from './module-files.ts'

/** Writes the copies of the modules in `folder`, a built package. */
export function writeCommonJs(folder: string): void {
  const entries = filesFor(folder, 'require').filter((file) => file.endsWith('.cjs'))
  for (const file of reached(folder, entries.map(copiedFrom))) {
    const copy = join(folder, commonJsCopy(file))
    mkdirSync(dirname(copy), { recursive: true })
    writeFileSync(copy, toCommonJs(file, readFileSync(join(folder, file), 'utf8')))
  }
}

/** The names that CommonJS defines in each module, so the module may not declare them. */
const GIVEN = ['exports', 'require', 'module', '__filename', '__dirname']

/**
 * Returns the CommonJS form of an ES module, without its comments. Throws for a module that does not load in that form.
 */
export function toCommonJs(file: string, text: string): string {
  const { outputText } = ts.transpileModule(text, {
    fileName: file,
    compilerOptions: {
      module: ts.ModuleKind.CommonJS,
      target: ts.ScriptTarget.ES2022,
      esModuleInterop: true,
      removeComments: true,
      allowJs: true,
    },
    transformers: { before: [toCopies(file)] },
  })
  try {
    compileFunction(outputText, GIVEN)
  } catch (cause) {
    throw new Error(
      `${file} cannot be a CommonJS module: use no top-level await, and declare none of ${GIVEN.join(', ')}`,
      {
        cause,
      },
    )
  }
  return outputText
}

/**
 * Makes imports refer to the copies, and replaces `import.meta.url` by the URL of the ES module, to which file names
 * are relative.
 */
function toCopies(file: string): ts.TransformerFactory<ts.SourceFile> {
  return (context) => (source) => {
    const visit = (node: ts.Node): ts.Node => {
      if (isImportMetaUrl(node)) return originalUrl(file, context.factory)
      const target =
        ts.isStringLiteral(node) && specifierIn(node.parent) === node ? targetOf(file, node.text) : undefined
      if (target !== undefined)
        return context.factory.createStringLiteral(specifierFor(commonJsCopy(file), commonJsCopy(target)))
      return ts.visitEachChild(node, visit, context)
    }
    return ts.visitEachChild(source, visit, context)
  }
}

function isImportMetaUrl(node: ts.Node): boolean {
  return ts.isPropertyAccessExpression(node) && ts.isMetaProperty(node.expression) && node.name.text === 'url'
}

/** `new URL('../../x.js', require('node:url').pathToFileURL(__filename)).href` */
function originalUrl(file: string, factory: ts.NodeFactory): ts.Expression {
  const url = factory.createCallExpression(factory.createIdentifier('require'), undefined, [
    factory.createStringLiteral('node:url'),
  ])
  const toUrl = factory.createPropertyAccessExpression(url, 'pathToFileURL')
  const copy = factory.createCallExpression(toUrl, undefined, [factory.createIdentifier('__filename')])
  const original = factory.createStringLiteral(specifierFor(commonJsCopy(file), file))
  return factory.createPropertyAccessExpression(
    factory.createNewExpression(factory.createIdentifier('URL'), undefined, [original, copy]),
    'href',
  )
}
