/** Signed bytes, and the sequence to which they lead. */
export interface Statement {
  bytes: Uint8Array
  sequence: number
}
