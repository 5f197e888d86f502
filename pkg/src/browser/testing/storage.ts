import type { StoredTokens, TokenStorage } from '../index.ts'

/** A store that all tabs share. */
export function storage(): TokenStorage & { held: StoredTokens | undefined } {
  return {
    held: undefined,
    load() {
      return this.held
    },
    save(tokens) {
      this.held = tokens
    },
    clear() {
      this.held = undefined
    },
  }
}
