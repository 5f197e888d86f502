// The links of the repository's pages: their targets, and how many clicks a page is from the first.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A link; files are given by their paths from the root of the repository. */
export interface Link {
  readonly page: string
  readonly line: number
  /** The target file. */
  readonly file: string
  readonly anchor: string | undefined
}

/** Returns a page's links to files and anchors of the repository, except those in code. */
export function linksOf(page: string): Link[] {
  return proseOf(page).flatMap((text, index) =>
    [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) => {
      if (/^[a-z]+:/.test(target)) return []
      const [path = '', anchor] = target.split('#')
      return [{ page, line: index + 1, file: path === '' ? page : normalize(join(dirname(page), path)), anchor }]
    }),
  )
}

/** Returns a message for each broken link. */
export function brokenLinks(pages: readonly string[]): string[] {
  return pages.flatMap(linksOf).flatMap(({ page, line, file, anchor }) => {
    if (!existsSync(join(ROOT, file))) return [`${page}:${line}: ${file} does not exist`]
    return anchor === undefined || anchorsOf(file).has(anchor)
      ? []
      : [`${page}:${line}: ${file} has no anchor #${anchor}`]
  })
}

/** Returns the pages within this many clicks of the first. */
export function reachable(first: string, clicks: number): Set<string> {
  const found = new Set([first])
  for (let click = 0; click < clicks; click += 1) {
    for (const page of [...found].filter((file) => file.endsWith('.md')))
      for (const { file } of linksOf(page)) found.add(file)
  }
  return found
}

/** Returns the anchors of a page: explicit ones, and those that GitHub generates from headings. */
function anchorsOf(page: string): Set<string> {
  const lines = proseOf(page)
  const anchors = new Set(lines.flatMap((line) => [...line.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id)))
  for (const line of lines) {
    const heading = /^#+ (.*)$/.exec(line)?.[1]
    if (heading === undefined) continue
    const slug = slugOf(heading)
    let free = slug
    for (let count = 1; anchors.has(free); count += 1) free = `${slug}-${count}`
    anchors.add(free)
  }
  return anchors
}

function slugOf(heading: string): string {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
    .replaceAll(' ', '-')
}

/** Returns the lines of a page, with code lines replaced by empty ones. */
function proseOf(page: string): string[] {
  let isCode = false
  return readFileSync(join(ROOT, page), 'utf8')
    .split('\n')
    .map((line) => {
      const isFence = /^ *```/.test(line)
      if (isFence) isCode = !isCode
      return isFence || isCode ? '' : line.replace(/`[^`]*`/g, (code) => (code.includes('](') ? '' : code))
    })
}
