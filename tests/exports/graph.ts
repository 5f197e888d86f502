// The exports and imports of a file, from its syntax alone.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'

/** All names of a file: `import * as`, `export *`, or an import whose names the syntax does not show. */
export const ALL = '*'

export interface Module {
  readonly exports: Map<string, { readonly line: number; readonly isType: boolean }>
  /** Names taken from other files, by the path of the file. */
  readonly imports: { readonly from: string; readonly name: string }[]
}

/** Returns exports and imports of a file; imports of packages are left out. */
export function moduleOf(root: string, path: string, text = readFileSync(join(root, path), 'utf8')): Module {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const module: Module = { exports: new Map(), imports: [] }
  const declare = (node: ts.Node, isType = false, name = node.getText(source)): void => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart(source))
    module.exports.set(name, { line: line + 1, isType })
  }
  const take = (specifier: ts.Node | undefined, names: readonly string[]): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return
    const from = resolve(root, path, specifier.text)
    if (from !== undefined) for (const name of names) module.imports.push({ from, name })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      const { name, namedBindings } = node.importClause ?? {}
      take(node.moduleSpecifier, [...(name ? ['default'] : []), ...namesIn(namedBindings)])
    } else if (ts.isExportDeclaration(node)) {
      if (node.exportClause && ts.isNamedExports(node.exportClause)) {
        for (const element of node.exportClause.elements) declare(element.name, node.isTypeOnly || element.isTypeOnly)
      }
      take(node.moduleSpecifier, node.exportClause ? namesIn(node.exportClause) : [ALL])
    } else if (ts.isExportAssignment(node)) declare(node, false, 'default')
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      const first = leftmost(node.qualifier)
      take(node.argument.literal, [node.isTypeOf || first === undefined ? ALL : first])
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      take(node.arguments[0], namesTaken(node))
    } else if (ts.isNewExpression(node) && node.expression.getText(source) === 'URL') {
      take(node.arguments?.[0], [ALL])
    }
    if (isExported(node)) {
      const declarations = ts.isVariableStatement(node) ? node.declarationList.declarations : [node]
      for (const each of declarations) {
        const { name } = each as ts.NamedDeclaration
        if (name === undefined || isDefault(node)) declare(each, false, 'default')
        else if (ts.isObjectBindingPattern(name)) for (const element of name.elements) declare(element.name)
        else declare(name, ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node))
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return module
}

function resolve(root: string, path: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  const base = join(dirname(path), specifier)
  const candidates = [base, base.replace(/\.js$/, '.ts'), `${base}.ts`, join(base, 'index.ts')]
  const found = candidates.find((each) => /\.[cm]?[jt]sx?$/.test(each) && existsSync(join(root, each)))
  return found === undefined ? undefined : relative('', found)
}

const hasModifier = (node: ts.Node, wanted: ts.SyntaxKind): boolean =>
  ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some(({ kind }) => kind === wanted)

const isExported = (node: ts.Node): boolean =>
  node.parent !== undefined && ts.isSourceFile(node.parent) && hasModifier(node, ts.SyntaxKind.ExportKeyword)

const isDefault = (node: ts.Node): boolean => hasModifier(node, ts.SyntaxKind.DefaultKeyword)

function namesIn(bindings: ts.NamedImportBindings | ts.NamedExportBindings | undefined): string[] {
  if (bindings === undefined) return []
  if (ts.isNamespaceImport(bindings) || ts.isNamespaceExport(bindings)) return [ALL]
  return bindings.elements.map(({ name, propertyName }) => (propertyName ?? name).text)
}

const leftmost = (name: ts.EntityName | undefined): string | undefined =>
  name === undefined || ts.isIdentifier(name) ? name?.text : leftmost(name.left)

/** `const { a, b } = await import(…)` takes two names, and `(await import(…)).a` one. */
function namesTaken(call: ts.CallExpression): string[] {
  let node: ts.Node = call.parent
  if (ts.isAwaitExpression(node)) node = node.parent
  if (ts.isParenthesizedExpression(node)) node = node.parent
  if (ts.isPropertyAccessExpression(node)) return node.name.text === 'then' ? [ALL] : [node.name.text]
  if (!ts.isVariableDeclaration(node) || !ts.isObjectBindingPattern(node.name)) return [ALL]
  return node.name.elements.map(({ name, propertyName }) => (propertyName ?? name).getText())
}
