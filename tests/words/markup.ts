// HTML and Svelte, style sheets, and files whose comments begin with `#`.

import type { Passage } from './passages.ts'
import { scriptPassages, starless } from './script.ts'

const lineIn = (text: string, at: number, first: number): number => first + text.slice(0, at).split('\n').length - 1

/** Text, comments and the attributes that are read aloud or shown; scripts and styles as files of their own. */
export function markupPassages(text: string, first: number): Passage[] {
  const found: Passage[] = []
  const part =
    /<script\b[^>]*>([\s\S]*?)<\/script>|<style\b[^>]*>([\s\S]*?)<\/style>|<!--([\s\S]*?)-->|<[a-z/!][^>]*>/gi
  let from = 0
  const prose = (start: number, end: number): void => {
    const words = text.slice(start, end)
    const lead = words.length - words.trimStart().length
    if (words.trim() !== '') found.push({ place: 'prose', line: lineIn(text, start + lead, first), text: words.trim() })
  }
  for (const match of text.matchAll(part)) {
    const [whole, script, style, comment] = match
    const line = (inner: string): number => lineIn(text, match.index + whole.indexOf(inner), first)
    prose(from, match.index)
    from = match.index + whole.length
    if (script !== undefined) found.push(...scriptPassages(script, line(script), 'inline.ts'))
    else if (style !== undefined) found.push(...rulesPassages(style, line(style)))
    else if (comment !== undefined) found.push({ place: 'comment', line: line(comment), text: comment })
    else
      for (const [, words = ''] of whole.matchAll(/\b(?:alt|title|aria-label|placeholder|content)="([^"]*)"/g))
        found.push({ place: 'prose', line: line(words), text: words })
  }
  prose(from, text.length)
  return found
}

/** Comments of a style sheet, and the strings that it shows. */
export function rulesPassages(text: string, first: number): Passage[] {
  return [...text.matchAll(/\/\*([\s\S]*?)\*\/|"([^"\n]*)"|'([^'\n]*)'/g)].map((match) => {
    const line = lineIn(text, match.index, first)
    const [, comment, double, single] = match
    if (comment !== undefined) return { place: 'comment', line, text: starless(comment) }
    return { place: 'string', line, text: double ?? single ?? '' }
  })
}

/** Comments from `#` to the end of the line, whole blocks of them, and what else stands on a line. */
export function hashPassages(text: string, first: number): Passage[] {
  const found: Passage[] = []
  let last = -2
  for (const [at, each] of text.split('\n').entries()) {
    const sign = /(^|\s)#(?=\s|!|$)/.exec(each)
    const code = sign === null ? each : each.slice(0, sign.index)
    const line = first + at
    if (code.trim() !== '')
      found.push({ place: 'string', line, text: code.replace(/^\s*[\w-]+\s*[:=]\s*["']?/, '').trim() })
    if (sign === null) continue
    const words = each.slice(sign.index + sign[0].length).trim()
    const previous = found.at(-1)
    if (code.trim() === '' && previous?.place === 'comment' && last === line - 1) {
      found[found.length - 1] = { ...previous, text: `${previous.text}\n${words}` }
    } else found.push({ place: 'comment', line, text: words })
    last = code.trim() === '' ? line : -2
  }
  return found
}
