import { readFileSync } from 'node:fs'
import ts from 'typescript'

/**
 * Inserts the signature and TSDoc of each method of `Gate` between its marks: `<!-- method: NAME -->` and `<!-- /method
 * -->`.
 */
export function withMethods(page: string): string {
  const methods = readMethods()
  const written = page.replace(
    /(<!-- method: (\w+) -->\n).*?(<!-- \/method -->)/gs,
    (_, begin: string, name: string, end: string) => {
      const method = methods.get(name)
      if (method === undefined) throw new Error(`Gate has no method ${name}, or the page has it twice`)
      methods.delete(name)
      return `${begin}<!-- from pkg/src/types/gate.ts -->\n\`\`\`ts\n${method.signature}\n\`\`\`\n\n${method.text}\n${end}`
    },
  )
  if (methods.size > 0) throw new Error(`the page lacks methods: ${[...methods.keys()].join(', ')}`)
  return written
}

interface Method {
  signature: string
  text: string
}

function readMethods(): Map<string, Method> {
  const file = new URL('../types/gate.ts', import.meta.url)
  const source = ts.createSourceFile('gate.ts', readFileSync(file, 'utf8'), ts.ScriptTarget.ES2022, true)
  const gate = source.statements.find((each) => ts.isInterfaceDeclaration(each) && each.name.text === 'Gate')
  if (gate === undefined || !ts.isInterfaceDeclaration(gate)) throw new Error('gate.ts has no interface Gate')
  const entry = (member: ts.TypeElement): [string, Method] => {
    return [member.name?.getText(source) ?? '', { signature: unindented(member.getText(source)), text: textOf(member) }]
  }
  return new Map(gate.members.map(entry))
}

/** Removes the interface's indentation, which the lines after the first have. */
function unindented(text: string): string {
  return text.replace(/^ {2}/gm, '')
}

function textOf(member: ts.TypeElement): string {
  const comment = ts.getTextOfJSDocComment(ts.getJSDocCommentsAndTags(member).find(ts.isJSDoc)?.comment)
  if (comment === undefined) throw new Error(`Gate.${member.name?.getText()} has no TSDoc`)
  return comment.replace(/\s+/g, ' ')
}
