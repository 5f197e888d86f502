// Made by build.ts from the table in www/docs/reference/reasons.md.
declare module 'reason-texts' {
  /** By reason code. Text in backquotes is code. */
  export const REASON_TEXTS: Readonly<Record<string, { cause: string; fix: string }>>
}
