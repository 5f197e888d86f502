// Builds the demo's pages into `www/dist/pages`, where the demo's origin serves them from.

import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { REASONS } from 'portcullis'
import { PAGES_FOLDER } from '../demo/settings.ts'

const SOURCES = fileURLToPath(new URL('.', import.meta.url))

interface Page {
  /** Name of its source folder and of its script. */
  name: string
  path: string
  title: string
  description: string
  /** Set if its script imports a style sheet. */
  style?: 'own'
}

const PAGES: readonly Page[] = [
  {
    name: 'playground',
    path: '/',
    title: 'Playground',
    description: 'Inspect a token check by check, and watch its verdict change the moment it is revoked.',
  },
  {
    name: 'try',
    path: '/try',
    title: 'Try it',
    description:
      'Log in, call a protected API at the edge, log out, and see how long the token stays valid after the logout.',
  },
  {
    name: 'console',
    path: '/console',
    title: 'Console',
    description: 'Users, sessions, keys and edges: end any of them, and see when every gate enforces it.',
    style: 'own',
  },
]

/** Builds every page. Throws if the page of reason codes does not explain every code. */
export async function buildPages(folder: string = PAGES_FOLDER): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(join(folder, 'assets'), { recursive: true })
  const template = await readFile(join(SOURCES, 'page.html'), 'utf8')
  await Promise.all([
    ...PAGES.map((page) => writeFile(join(folder, `${page.name}.html`), htmlOf(template, page))),
    ...['style.css', 'icon.svg'].map((file) => cp(join(SOURCES, file), join(folder, 'assets', file))),
    // The gate fetches its module from `../../../wasm/edge/` relative to the code; from `/assets/` that resolves to the
    // root.
    cp(fileURLToPath(import.meta.resolve('portcullis/edge.wasm')), join(folder, 'wasm/edge/core_bg.wasm')),
    bundle(folder),
  ])
}

async function bundle(folder: string): Promise<void> {
  await build({
    entryPoints: PAGES.map(({ name }) => ({ in: join(SOURCES, name, 'main.ts'), out: name })),
    outdir: join(folder, 'assets'),
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    conditions: ['browser'],
    logLevel: 'error',
    plugins: [reasonTexts],
  })
}

function htmlOf(template: string, page: Page): string {
  const links = PAGES.map(({ path, title, name }) => {
    const current = name === page.name ? ' aria-current="page"' : ''
    return `<li><a href="${path}"${current}>${title}</a></li>`
  })
  const styles = ['style', ...(page.style === 'own' ? [page.name] : [])].map(
    (file) => `<link rel="stylesheet" href="/assets/${file}.css">`,
  )
  const { name, title, description } = page
  const values: Record<string, string> = {
    name,
    title,
    description,
    styles: styles.join('\n'),
    navigation: links.join('\n'),
  }
  return template.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? '')
}

/** Provides `reason-texts`: cause and fix of each reason code, from the table of its page. */
const reasonTexts: Plugin = {
  name: 'reason-texts',
  setup(context) {
    context.onResolve({ filter: /^reason-texts$/ }, ({ path }) => ({ path, namespace: 'reason-texts' }))
    context.onLoad({ filter: /.*/, namespace: 'reason-texts' }, async () => ({
      contents: `export const REASON_TEXTS = ${JSON.stringify(await readReasonTexts())}`,
    }))
  },
}

async function readReasonTexts(): Promise<Record<string, { cause: string; fix: string }>> {
  const page = await readFile(new URL('../docs/reference/reasons.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| <a id="\w+"><\/a>`(\w+)` \| \d+ \| (.+?) \| (.+?) \|$/gm)]
  const texts = Object.fromEntries(rows.map(([, code = '', cause = '', fix = '']) => [code, { cause, fix }]))
  const missing = REASONS.filter((reason) => texts[reason] === undefined)
  if (missing.length > 0) throw new Error(`www/docs/reference/reasons.md does not explain ${missing.join(', ')}`)
  return texts
}
