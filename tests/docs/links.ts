// The links of the repository's pages: their targets, and how many clicks a page is from the first.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A link; files are given by their paths from the root of the repository. */
interface Link {
  readonly page: string
  readonly line: number
  /** The target file. */
  readonly file: string
  readonly anchor: string | undefined
}

/** Returns a page's links to files and anchors of the repository, except those in code. */
function linksOf(page: string): Link[] {
  return targetsOf(page).flatMap(({ line, target }) => {
    if (isExternal(target)) return []
    const [path = '', anchor] = target.split('#')
    return [{ page, line, file: path === '' ? page : normalize(join(dirname(page), path)), anchor }]
  })
}

/** Counts the links of each kind on the pages. */
export function countLinks(pages: readonly string[]): { files: number; places: number; external: number } {
  const links = pages.flatMap(linksOf)
  const places = links.filter(({ anchor }) => anchor !== undefined).length
  const external = pages.flatMap(targetsOf).filter(({ target }) => isExternal(target)).length
  return { files: links.length - places, places, external }
}

/** Returns external links that are not `https:` URLs (`http:` for loopback), and links in an unsupported form. */
export function malformedLinks(pages: readonly string[]): string[] {
  return pages.flatMap((page) => [
    ...targetsOf(page)
      .filter(({ target }) => isExternal(target) && !isWellFormed(target))
      .map(({ line, target }) => `${page}:${line}: ${target} is not an https: URL`),
    ...proseOf(page).flatMap((text, index) =>
      UNREAD.test(text) ? [`${page}:${index + 1}: a link in a form that is not checked`] : [],
    ),
  ])
}

/** Returns paths of the repository in code spans, such as `tests/docs`, that do not exist. */
export function missingPaths(pages: readonly string[]): string[] {
  return pages.flatMap((page) =>
    proseOf(page).flatMap((text, index) =>
      [...text.matchAll(/`((?:www|tests|pkg|xtask|\.github)\/[\w./-]+)`/g)]
        .map(([, path = '']) => path)
        .filter((path) => !BUILT.test(path) && !existsSync(join(ROOT, path)))
        .map((path) => `${page}:${index + 1}: ${path} does not exist`),
    ),
  )
}

/** Paths that are built or installed. */
const BUILT = /^pkg\/(dist|wasm|node_modules)/

/** Reference links, links with a title or a space, and links of HTML. */
const UNREAD = /\]\[|^ *\[[^\]]+\]: |\]\([^)]*\s[^)]*\)|<(?:a\s[^>]*href|img\s|https?:[^>]*\s)/

/** Matches the targets of `[text](target)` and `<https://…>`. */
function targetsOf(page: string): { line: number; target: string }[] {
  return proseOf(page).flatMap((text, index) =>
    [...text.matchAll(/\]\(([^)\s]+)\)|<(https?:[^>\s]*)>/g)].map(([, inner, bare]) => ({
      line: index + 1,
      target: inner ?? bare ?? '',
    })),
  )
}

function isExternal(target: string): boolean {
  return /^[a-z]+:/.test(target)
}

function isWellFormed(target: string): boolean {
  if (!URL.canParse(target)) return false
  const { protocol, hostname } = new URL(target)
  return protocol === 'https:' ? /^[\w-]+(\.[\w-]+)+$/.test(hostname) : protocol === 'http:' && hostname === '127.0.0.1'
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
