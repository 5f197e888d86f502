/**
 * A text without control characters but line feeds and tabs: names from an identity server, which anybody may choose who registers clients
 * there, must not move the cursor of a terminal or set its title.
 */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, '\ufffd')
}
