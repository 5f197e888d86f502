/** Signed bytes, and where whoever applies them is then. */
export interface Statement {
  bytes: Uint8Array
  sequence: number
}
