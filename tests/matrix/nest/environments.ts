// Nest from its own starter (ES modules) and as CommonJS, which the starter generated until version 11, with a guard.

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment, Probed } from '../environment.ts'
import { serveRecipe } from '../hosts/recipe.ts'
import type { Workplace } from '../workplace.ts'

function guard(name: string, type: 'module' | 'commonjs'): Probed {
  return {
    name: `Nest, ${name}, guard`,
    configuration: `package.json: { "type": "${type}" }; nest build; node dist/main.js`,
    tier: 'long',
    tool: '@nestjs/core',
    async start(place, stage) {
      await ofType(place, type)
      await place.run('nest', ['build'])
      return serveRecipe(place, stage, { command: 'node', parameters: ['dist/main.js'], refusal: 'gate' })
    },
  }
}

async function ofType({ folder }: Workplace, type: 'module' | 'commonjs'): Promise<void> {
  const file = join(folder, 'package.json')
  await writeFile(file, JSON.stringify({ ...(JSON.parse(await readFile(file, 'utf8')) as object), type }))
}

export const environments: readonly Environment[] = [guard('ES modules', 'module'), guard('CommonJS', 'commonjs')]
