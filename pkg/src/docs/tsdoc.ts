import { readFileSync } from 'node:fs'
import ts from 'typescript'
import type { Rule, Rules } from '../options.ts'

/** The parts of an option's TSDoc. */
export interface OptionDoc {
  /** The description without the sentence that states the default. */
  description: string
  /** The default as written: a literal, or words if the value is code or depends on something. */
  default: { literal: string; note: string } | { words: string } | undefined
}

/** Returns the options of an interface by name; `file` is relative to the root of the sources. */
export function readInterface(file: string, name: string): Map<string, OptionDoc> {
  const path = new URL(`../${file}`, import.meta.url)
  const source = ts.createSourceFile(file, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2022, true)
  const found = source.statements.find((each) => ts.isInterfaceDeclaration(each) && each.name.text === name)
  if (found === undefined || !ts.isInterfaceDeclaration(found)) throw new Error(`${file} has no interface ${name}`)
  return new Map(
    found.members.flatMap((member) => {
      const text = commentOf(member)
      return member.name === undefined || text === undefined ? [] : [[member.name.getText(source), parse(text)]]
    }),
  )
}

/** Throws unless each option has a comment that states the default and bounds of its rule. */
export function checkDocs(docs: ReadonlyMap<string, OptionDoc>, rules: Rules, where: string): void {
  for (const [name, rule] of Object.entries(rules)) {
    const doc = docs.get(name)
    if (doc === undefined || doc.description === '') throw new Error(`${where}.${name} has no TSDoc`)
    if (!saysDefault(doc, rule))
      throw new Error(
        `${where}.${name}: its TSDoc does not say the default of its rule, ${JSON.stringify(rule.fallback)}`,
      )
    const missing = boundsOf(rule).find((bound) => !doc.description.includes(bound))
    if (missing !== undefined)
      throw new Error(`${where}.${name}: its TSDoc does not state the bound of its rule, "${missing}"`)
  }
}

/** Returns the bounds of a rule as stated in its messages, such as "1 to 65535" and "0 or more". */
export function boundsOf({ expected }: Rule): string[] {
  return [...expected.matchAll(/(?<![\w.])-?\d[\w.-]* (?:to -?\d[\w.]*(?:-\d+)?|or more)/g)].map(([bound]) => bound)
}

function saysDefault({ default: said }: OptionDoc, { fallback }: Rule): boolean {
  if (fallback === undefined) return true
  if (said === undefined) return false
  // For a list the words may describe its members.
  if ('words' in said) return Array.isArray(fallback)
  const values: unknown[] = Array.isArray(fallback) ? fallback : [fallback]
  return (
    values.length === 1 &&
    (typeof values[0] === 'number' ? Number(said.literal) === values[0] : said.literal === String(values[0]))
  )
}

function commentOf(member: ts.TypeElement): string | undefined {
  const comment = ts.getJSDocCommentsAndTags(member).find(ts.isJSDoc)?.comment
  return ts.getTextOfJSDocComment(comment)?.replace(/\s+/g, ' ')
}

/**
 * Parses a comment. The default is stated by the last sentence, such as "Default 5.", "Default `loopback` (this
 * machine)." or "Default: none.".
 */
function parse(text: string): OptionDoc {
  const [, before = '', colon, said = ''] = /^(.*?)(?:^|(?<=[.:;] ))Default(:?) (.*)\.$/.exec(text) ?? [text, text]
  const description = before.trim()
  if (said === '') return { description, default: undefined }
  if (colon === ':') return { description, default: { words: said } }
  const [, code, number, note = ''] = /^(?:`([^`]+)`|(-?[\d.]+(?:e-?\d+)?))(?: (\(.*\)))?$/.exec(said) ?? []
  const literal = code ?? number
  if (literal === undefined) throw new Error(`"Default ${said}." is not a literal, and has no colon`)
  return { description, default: { literal, note } }
}
