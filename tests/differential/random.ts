// Random choices, reproducible from a seed.

export interface Random {
  /** Returns an integer from 0 to `below` - 1. */
  below(below: number): number
  /** Returns an integer from `least` to `most`. */
  between(least: number, most: number): number
  /** Returns true with this probability. */
  chance(share: number): boolean
  pick<T>(list: readonly T[]): T
  /** Picks a value with a probability proportional to its weight. */
  weighted<T>(list: readonly (readonly [weight: number, value: T])[]): T
  /** Picks each member with this probability, in order. */
  some<T>(list: readonly T[], share: number): T[]
}

/** Returns the generator mulberry32: 32 bits of state, the same on every machine. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const random: Random = {
    below: (below) => Math.floor(next() * below),
    between: (least, most) => least + random.below(most - least + 1),
    chance: (share) => next() < share,
    pick: (list) => list[random.below(list.length)] as (typeof list)[number],
    weighted(list) {
      let left = next() * list.reduce((sum, [weight]) => sum + weight, 0)
      for (const [weight, value] of list) {
        left -= weight
        if (left < 0) return value
      }
      return (list.at(-1) as (typeof list)[number])[1]
    },
    some: (list, share) => list.filter(() => random.chance(share)),
  }
  return random
}
