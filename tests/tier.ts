// Length of suites without a natural end: short for every change, long with `cargo xtask test --long`.

const isLong = process.env['TEST_TIER'] === 'long'

/** Returns the number of rounds of this run. */
export function rounds(short: number, long: number): number {
  return isLong ? long : short
}

/** Prints a measurement; a long run records it in RESULTS.md. */
export function figure(text: string): void {
  console.log(`figure: ${text}`)
}
