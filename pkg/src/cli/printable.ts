/**
 * Replaces control characters, except line feeds and tabs. Names from an identity server may be chosen by users who
 * register clients there; they must not move the cursor of a terminal or set its title.
 */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, '\ufffd')
}
