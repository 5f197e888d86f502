// Every pattern is found in every kind of place, at its line, and near misses are not.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Passage, passagesOf } from './passages.ts'
import { hitsOf, PATTERNS } from './patterns.ts'

interface Plant {
  readonly name: string
  readonly file: string
  readonly place: Passage['place']
  /** A file with the words in its third line. */
  readonly plant: (words: string) => string
}

/** Words as a literal in quotes can hold them. */
const quoted = (words: string): string => words.replaceAll("'", '’').replaceAll('`', '')

const PLACES: readonly Plant[] = [
  { name: 'a comment', file: 'a.ts', place: 'comment', plant: (words) => `const a = 'http://b'\n\n// ${words}\nf()\n` },
  { name: 'a comment behind code', file: 'a.js', place: 'comment', plant: (words) => `\n\nf(/\\/*/) // ${words}\n` },
  { name: 'a doc comment', file: 'a.ts', place: 'comment', plant: (words) => `\n/**\n * ${words}\n */\nf()\n` },
  { name: 'a string', file: 'a.ts', place: 'string', plant: (words) => `// f\n\nf('${quoted(words)}')\n` },
  {
    name: 'a template',
    file: 'a.mjs',
    place: 'string',
    plant: (words) => `// f\nf(\`\${g(\`b\${'}'}\`)}:\n${quoted(words)}\${h})\`)\n`,
  },
  { name: 'the name of a test', file: 'a.ts', place: 'test name', plant: (words) => `\n\nit('${quoted(words)}', g)\n` },
  {
    name: 'the name of a skipped test',
    file: 'a.test.ts',
    place: 'test name',
    plant: (words) => `\n\ntest.skip('${quoted(words)}', {}, g)\n`,
  },
  { name: 'text of JSX', file: 'a.tsx', place: 'prose', plant: (words) => `const a = (\n<p>\n${quoted(words)}</p>)\n` },
  { name: 'a string of JSON', file: 'a.json', place: 'string', plant: (words) => `{\n\n"a": "${quoted(words)}" }\n` },
  { name: 'a comment of JSON', file: 'a.jsonc', place: 'comment', plant: (words) => `{\n"a": "//"\n// ${words}\n}\n` },
  { name: 'a Rust comment', file: 'a.rs', place: 'comment', plant: (words) => `let a = '"';\n\n// ${words}\n` },
  {
    name: 'a Rust doc comment',
    file: 'a.rs',
    place: 'comment',
    plant: (words) => `//! A\n\n/// ${words}\nfn f() {}\n`,
  },
  {
    name: 'a nested Rust comment',
    file: 'a.rs',
    place: 'comment',
    plant: (words) => `let a: &'a str = r#"/* "a" "#;\n/* a /* b */.\n${words} */\n`,
  },
  { name: 'a Rust string', file: 'a.rs', place: 'string', plant: (words) => `fn f<'a>() {\n\ng("${words}")\n}\n` },
  {
    name: 'a raw Rust string',
    file: 'a.rs',
    place: 'string',
    plant: (words) => `fn f() {\n\ng(br##"${words}"##)\n}\n`,
  },
  { name: 'prose', file: 'a.md', place: 'prose', plant: (words) => `# A\n\n${words}\n` },
  { name: 'an item', file: 'a.md', place: 'prose', plant: (words) => `A:\n- B\n- ${words}\n` },
  { name: 'a cell', file: 'a.md', place: 'prose', plant: (words) => `| A | B |\n|-|-|\n| a | ${words}. |\n` },
  { name: 'a block of code', file: 'a.md', place: 'comment', plant: (words) => `\`\`\`ts\n\n// ${words}\n\`\`\`\n` },
  {
    name: 'a block for a shell',
    file: 'a.md',
    place: 'comment',
    plant: (words) => `\`\`\`sh\na\n# ${words}\n\`\`\`\n`,
  },
  { name: 'text of HTML', file: 'a.html', place: 'prose', plant: (words) => `<p>\nA <b>b</b>\n<i>${words}.</i></p>\n` },
  { name: 'an attribute', file: 'a.html', place: 'prose', plant: (words) => `<p>\n\n<i title="${words}."></i></p>\n` },
  { name: 'a comment of HTML', file: 'a.html', place: 'comment', plant: (words) => `<p>\n\n<!-- ${words} --></p>\n` },
  {
    name: 'a script of Svelte',
    file: 'a.svelte',
    place: 'comment',
    plant: (words) => `<p>a</p>\n<script lang="ts">\n// ${words}\n</script>\n`,
  },
  { name: 'a style sheet', file: 'a.css', place: 'comment', plant: (words) => `a {\n}\n/* ${words} */\n` },
  { name: 'a comment of YAML', file: 'a.yml', place: 'comment', plant: (words) => `a: b\n\n# ${words}\n` },
  { name: 'a value of YAML', file: 'a.yml', place: 'string', plant: (words) => `a:\n\n  b: "${quoted(words)}."\n` },
  { name: 'a comment of TOML', file: 'a.toml', place: 'comment', plant: (words) => `a = 1\n\nb = 2 # ${words}\n` },
  { name: 'a script for a shell', file: 'run', place: 'comment', plant: (words) => `#!/bin/sh\na\n# ${words}\n` },
]

/** The beginning of a sentence counts in a string where it is a capital. */
const asSentence = (words: string): string => `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`

describe('a fault of each pattern is found', () => {
  for (const { name, file, place, plant } of PLACES) {
    test(`in ${name}`, () => {
      for (const { name: pattern, faults, first } of PATTERNS) {
        for (const fault of faults) {
          const words = first ? asSentence(fault) : fault
          const passages = passagesOf(file, plant(words))
          const found = passages.flatMap((passage) => hitsOf(passage).map((hit) => ({ ...hit, place: passage.place })))
          const [hit] = found.filter((each) => each.pattern.name === pattern)
          assert.deepEqual(hit && [hit.line, hit.place], [3, place], `${pattern}: ${plant(words)}`)
        }
      }
    })
  }

  test('in the name of a Rust test', () => {
    for (const { name: pattern, faults } of PATTERNS) {
      const names = faults.filter((fault) => /^[\w ,]+$/.test(fault))
      for (const fault of names) {
        const text = `#[cfg(test)]\n#[test]\nfn ${fault.replace(/\W+/g, '_')}() {}\nfn of_a_text() {}\n`
        const hits = passagesOf('a.rs', text).flatMap(hitsOf)
        assert.deepEqual(new Set(hits.map(({ line }) => line)), new Set([3]), fault)
        assert.ok(
          hits.some((hit) => hit.pattern.name === pattern),
          fault,
        )
      }
    }
  })

  test('across the end of a line', () => {
    for (const [file, text] of [
      ['a.ts', '// it is\n// no key, and for\n// ever\n'],
      ['a.rs', '/// it is\n/// no key, and for\n/// ever\n'],
      ['a.rs', 'f("it is \\\n   no key, and for \\\n   ever")\n'],
      ['a.md', 'it is\nno key, and for\never\n'],
    ] as const) {
      const hits = passagesOf(file, text).flatMap(hitsOf)
      assert.deepEqual(hits.map(({ line }) => line).sort(), [1, 2], file)
    }
  })
})

test('near misses are no faults', () => {
  for (const { name, good } of PATTERNS) {
    for (const words of good) {
      for (const file of ['a.md', 'a.rs', 'a.ts']) {
        const text = file === 'a.md' ? words : `// ${words}\n`
        const hits = passagesOf(file, text).flatMap(hitsOf)
        assert.deepEqual(
          hits.filter(({ pattern }) => pattern.name === name),
          [],
          words,
        )
      }
    }
  }
})

test('quotations in backticks and code are left alone', () => {
  for (const [file, text] of [
    ['a.md', 'Write `a text` no more.\n\n```ts\nconst nobody = anew\n```\n'],
    ['a.ts', 'import x from "is no key"\n// `nobody` and\n// `for\n// ever`\nconst nobody = anew'],
    ['a.rs', 'fn nobody() {} // `anew`\n'],
  ] as const) {
    assert.deepEqual(passagesOf(file, text).flatMap(hitsOf), [], file)
  }
})
