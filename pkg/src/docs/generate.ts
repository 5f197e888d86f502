// Writes the files generated from declarations: `npm run generate`. `generated.test.ts` compares.

import { writeFileSync } from 'node:fs'
import { generated } from './generated.ts'

for (const { path, content } of generated()) writeFileSync(path, content)
