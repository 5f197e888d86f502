import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

const { GATE_OPTIONS = '', QUESTIONS = '' } = process.env

export default defineConfig({
  plugins: [
    cloudflareTest({
      wrangler: { configPath: './wrangler.jsonc' },
      miniflare: { bindings: { GATE_OPTIONS, QUESTIONS } },
    }),
  ],
})
