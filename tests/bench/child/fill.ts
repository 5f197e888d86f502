// Fills a database with the rows that the feed maker wrote.

import { readFile } from 'node:fs/promises'
import { fill, readRows } from '../origin.ts'
import { answer, input } from '../program.ts'

const { database, rows } = await input<{ database: string; rows: string }>()
await fill(database, readRows(await readFile(rows)))
answer({})
