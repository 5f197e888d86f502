// Random tokens under random policies, with random revocations. Every verdict equals those of jose and of a model of
// plain rules and maps, or differs from jose's in a way that is listed with its source. A failure names the seed of its
// world and a minimal example.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import type { Revocable } from './differential/acts.ts'
import { leniencyOf, type Refusal, SAME, type Verifier, verifierOf } from './differential/by-jose.ts'
import { DEVIATIONS, LENIENCIES } from './differential/deviations.ts'
import { makePool, type PoolKey, publishKeys } from './differential/keys.ts'
import { choosePolicy, type Policy } from './differential/policy.ts'
import { type Random, randomOf } from './differential/random.ts'
import {
  type Fault,
  faultsOf,
  identityOf,
  isUndetermined,
  refusalToIdentify,
  type Situation,
} from './differential/rules.ts'
import { chooseMutations, type Draft, type Mutation, sign, validDraft } from './differential/tokens.ts'
import { StoppedClock, World } from './differential/world.ts'
import { figure, rounds } from './tier.ts'

const WORLDS = rounds(100, 5_100)
const TOKENS = 200
/** Number of tokens judged between two changes of the revocations. */
const PHASE = 25
const SEED = 20_261_201

let pool: readonly PoolKey[]
let clock: StoppedClock

before(async () => {
  pool = await makePool()
  clock = new StoppedClock()
})

after(() => clock.restore())

/** Counts of a run. */
interface Tally {
  tokens: number
  verdicts: number
  byReason: Map<string, number>
  deviations: Map<string, number>
  leniencies: Map<string, number>
  agreed: number
  /** Number of tokens presented to the origin. */
  presented: number
}

const tally: Tally = {
  tokens: 0,
  verdicts: 0,
  byReason: new Map(),
  deviations: new Map(),
  leniencies: new Map(),
  agreed: 0,
  presented: 0,
}

test(`${WORLDS * TOKENS} random tokens get the verdicts of jose and of the plain rules`, async () => {
  const given = process.env['DIFFERENTIAL_SEED']
  const seeds = given === undefined ? Array.from({ length: WORLDS }, (_, index) => SEED + index) : [Number(given)]
  for (const [index, seed] of seeds.entries()) {
    await runWorld(seed)
    if (index % 500 === 499) console.log(`${tally.tokens} tokens, no difference`)
  }
  const shown = [...tally.byReason].sort().map(([reason, count]) => `${reason} ${count}`)
  figure(
    `seed ${given ?? SEED}, ${tally.tokens} tokens, ${tally.verdicts} verdicts, ${tally.agreed} judged alike by jose, ${tally.presented} presented to the origin: ${shown.join(', ')}`,
  )
  if (given !== undefined) return
  assert.deepEqual(missing(DEVIATIONS, tally.deviations), [], 'a listed deviation did not occur')
  assert.deepEqual(missing(LENIENCIES, tally.leniencies), [], 'a listed leniency did not occur')
})

function missing(listed: object, occurred: ReadonlyMap<string, number>): string[] {
  return Object.keys(listed).filter((name) => !occurred.has(name))
}

/** A token with its ingredients, so that a reduced version can be made. */
interface Made {
  base: Draft
  mutations: readonly Mutation[]
  draft: Draft
  text: string
}

async function runWorld(seed: number): Promise<void> {
  const random = randomOf(seed)
  const keysInFeed = random.chance(0.15)
  const keys = publishKeys(random, pool, !keysInFeed)
  const policy = choosePolicy(random, keys, keysInFeed)
  const verify = verifierOf(keys)
  const world = await World.open(policy, keys, clock)
  const judge = (made: Made, among: 'at once' | 'all') => judgeToken({ seed, random, world, verify }, made, among)
  const seen: Made[] = []
  const revocable: Revocable[] = []
  // A revocation by token expires with that token, so no other token may have its id.
  const ended = new Set<string>()
  const make = async (): Promise<Made> => {
    const made = await makeToken(random, world, `${seed}-${seen.length}`)
    const id = tokenIdOf(made, policy)
    return id !== undefined && ended.has(id) ? make() : made
  }
  try {
    if (policy.revocation === 'feed' && !policy.keysInFeed && random.chance(0.3)) await judge(await make(), 'at once')
    await world.refresh()
    while (seen.length < TOKENS) {
      for (let count = 0; count < PHASE; count += 1) {
        const made = await make()
        seen.push(made)
        tally.tokens += 1
        if (await judge(made, 'all')) addRevocable(revocable, world, made, `${seed}-${seen.length - 1}`)
      }
      for (const made of random.some(seen.slice(-60), 0.15)) await judge(made, 'all')
      const revoked = new Set<string>()
      for (const made of random.some(seen.slice(-PHASE), 0.3)) {
        const id = tokenIdOf(made, policy)
        if (id === undefined || seen.some((other) => other !== made && tokenIdOf(other, policy) === id)) continue
        await present(world, made, seed)
        ended.add(id)
      }
      for (let left = random.below(5); left > 0; left -= 1) revoked.add((await world.revoke(random, revocable)) ?? '')
      clock.advance(random.pick([0, 1, 2, 7, 30, 59, 60, 61, 200, 3_601]))
      await world.refresh()
      for (const made of seen) if (revoked.has(made.text) || random.chance(10 / seen.length)) await judge(made, 'all')
      // The gate gets no update for a while.
      clock.advance(random.pick([0, 0, 0, 59, 60, 61, 3_600, 3_601]))
      for (const made of random.some(seen.slice(-60), 0.05)) await judge(made, 'at once')
      await world.refresh()
    }
    world.assertNoReports()
  } finally {
    await world.close()
    clock.advance(100_000)
  }
}

/** Presents a token to the origin, which may refuse it only for its form, issuer, signature or use. */
async function present(world: World, { draft, text, mutations }: Made, seed: number): Promise<void> {
  const { policy, keys, revocations, stateAge } = world
  if (policy.revocation === 'unchecked') return
  const { issuer, tokenId, issuedAt } = identityOf(draft, policy)
  // A token from the future tells the origin that its issuer's clock is ahead, and one without an id may end its
  // session.
  if ((issuedAt ?? Infinity) > clock.now || tokenId === undefined) return
  const expected = refusalToIdentify(draft, { policy, keys, revocations, now: clock.now, stateAge })
  const what = `world ${seed}: ${text} with ${mutations.map(({ name }) => name).join(', ')}, options ${JSON.stringify(policy.options)}`
  tally.presented += 1
  assert.equal(await world.present(text), expected, what)
  if (expected === undefined) revocations.revokeToken(issuer, tokenId)
}

function tokenIdOf({ draft }: Made, policy: Policy): string | undefined {
  return identityOf(draft, policy).tokenId
}

async function makeToken(random: Random, world: World, id: string): Promise<Made> {
  const around = { policy: world.policy, keys: world.keys, pool, now: clock.now }
  const base = validDraft(random, around, id)
  return remake(base, chooseMutations(random, around))
}

async function remake(base: Draft, mutations: readonly Mutation[]): Promise<Made> {
  const draft: Draft = { ...base, header: new Map(base.header), claims: new Map(base.claims) }
  for (const mutation of mutations) mutation.apply(draft)
  return { base, mutations, draft, text: await sign(draft) }
}

/** Adds a token that has a unique id. */
function addRevocable(revocable: Revocable[], { policy }: World, { draft, text }: Made, id: string): void {
  const { claims, key } = draft
  if (claims.get(policy.names.tokenId) !== JSON.stringify(id)) return
  const issuer = JSON.parse(claims.get(policy.issuerClaim) as string) as string
  const [issuedAt, expiresAt] = ['iat', 'exp'].map((claim) => Math.floor(Number(claims.get(claim)))) as [number, number]
  revocable.push({ issuer, id, text, thumbprint: key.thumbprint, issuedAt, expiresAt })
}

interface Bench {
  seed: number
  random: Random
  world: World
  verify: Verifier
}

/** Compares the verdicts on a token, and fails on a difference that is not listed. Returns whether it is accepted. */
async function judgeToken(bench: Bench, made: Made, among: 'at once' | 'all'): Promise<boolean> {
  const { policy, keys, revocations, stateAge } = bench.world
  const situation: Situation = { policy, keys, revocations, now: clock.now, stateAge }
  if (isUndetermined(made.draft, situation)) return false
  const { faults, byJose, difference } = await compare(bench, made, situation, among)
  if (difference !== undefined) return assert.fail(await describe(bench, made, situation, difference))
  count(faults, byJose, made.draft, situation)
  return faults.length === 0
}

interface Comparison {
  faults: readonly Fault[]
  byJose: Refusal | undefined
  /** The first difference outside the list, if any. */
  difference: string | undefined
}

async function compare(
  bench: Bench,
  { draft, text }: Made,
  situation: Situation,
  among: 'at once' | 'all',
): Promise<Comparison> {
  const faults = faultsOf(draft, text, situation)
  const byJose = await bench.verify(draft, text, situation)
  const expected = faults[0]?.reason ?? 'accepted'
  const verdicts = await verdictsOf(bench, text, among)
  tally.verdicts += verdicts.length
  const wrong = verdicts.find(([, verdict]) => verdict !== expected)
  const difference =
    wrong === undefined
      ? unexplained(faults, byJose, draft, situation)
      : `${wrong[0]}: ${wrong[1]}, expected ${expected}`
  return { faults, byJose, difference }
}

/** Returns the verdict of each method, in random order; later calls may find a cached token. */
async function verdictsOf(
  { random, world }: Bench,
  text: string,
  among: 'at once' | 'all',
): Promise<[way: string, verdict: string][]> {
  const { gate } = world
  const sync = (): string => outcomeOf(gate.checkSync(text), text, world)
  const verdicts: [string, string][] = []
  async function ask(way: 'checkSync' | 'check'): Promise<void> {
    verdicts.push([way, way === 'checkSync' ? sync() : outcomeOf(await gate.check(text), text, world)])
  }
  if (among === 'at once') {
    await ask('checkSync')
  } else {
    for (const way of random.pick([
      ['checkSync', 'check'],
      ['check', 'checkSync'],
    ] as const))
      await ask(way)
    if (random.chance(0.05))
      verdicts.push([
        'explain',
        (await gate.explain(text)).find(({ outcome }) => outcome === 'failed')?.reason ?? 'accepted',
      ])
  }
  if (verdicts[0]?.[1] === 'accepted' || random.chance(0.1)) verdicts.push(['checkSync again', sync()])
  return verdicts
}

function outcomeOf(verdict: ReturnType<World['gate']['checkSync']>, text: string, world: World): string {
  if (!verdict.ok) return verdict.reason
  const payload = JSON.parse(Buffer.from(text.split('.')[1] as string, 'base64url').toString()) as unknown
  assert.deepEqual(verdict.claims, payload)
  assert.equal(verdict.sequence, world.sequence)
  assert.equal(verdict.unchecked ?? false, world.policy.revocation === 'unchecked')
  return 'accepted'
}

/** Returns why jose's verdict does not agree with the faults; `undefined` if it does. */
function unexplained(
  faults: readonly Fault[],
  byJose: Refusal | undefined,
  draft: Draft,
  situation: Situation,
): string | undefined {
  const shared = faults.filter(({ rule }) => !(rule in DEVIATIONS) && !REVOCATION.has(rule))
  if (byJose === undefined)
    return shared.length === 0 ? undefined : `jose accepts it in spite of: ${shared.map(({ rule }) => rule).join(', ')}`
  // jose may report a malformed token by any of its errors.
  const rules = new Set(shared.map(({ rule }) => rule as string))
  // A token too old by `iat` has expired or exceeds the lifetime.
  const isOld = byJose.by === 'age' && faults.some(({ rule }) => rule === 'lifetime' || rule === 'rounded date')
  const isExplained = rules.has('form') || isOld || SAME[byJose.by].some((rule) => rules.has(rule))
  return isExplained || leniencyOf(byJose, draft, situation) !== undefined
    ? undefined
    : `jose refuses: ${byJose.by} ${byJose.claim ?? ''}`
}

const REVOCATION: ReadonlySet<string> = new Set(['revoked', 'no feed', 'stale feed'])

function count(faults: readonly Fault[], byJose: Refusal | undefined, draft: Draft, situation: Situation): void {
  const add = (map: Map<string, number>, name: string): unknown => map.set(name, (map.get(name) ?? 0) + 1)
  const [first] = faults
  add(tally.byReason, first?.reason ?? 'accepted')
  if (first !== undefined && byJose === undefined && first.rule in DEVIATIONS) add(tally.deviations, first.rule)
  else if (first === undefined && byJose !== undefined)
    add(tally.leniencies, leniencyOf(byJose, draft, situation) as string)
  else tally.agreed += 1
}

/** Finds the smallest set of a token's mutations that still differs, and describes it for the failure message. */
async function describe(bench: Bench, made: Made, situation: Situation, difference: string): Promise<string> {
  let [least, text] = [made, difference]
  for (const mutation of made.mutations) {
    const less = await remake(
      least.base,
      least.mutations.filter((each) => each !== mutation),
    )
    const { difference: still } = await compare(bench, less, situation, 'at once')
    if (still !== undefined) [least, text] = [less, still]
  }
  const { draft, mutations } = least
  const { policy, acts } = bench.world
  const lines = {
    difference: text,
    repeat: `DIFFERENTIAL_SEED=${bench.seed} node --import tsx --test differential.test.ts`,
    changes: mutations.map(({ name }) => name),
    header: Object.fromEntries(draft.header),
    claims: Object.fromEntries(draft.claims),
    signedBy: `key ${draft.key.number} by ${draft.algorithm}`,
    faults: faultsOf(draft, least.text, situation),
    now: situation.now,
    stateAge: situation.stateAge,
    keys: bench.world.keys.map(({ key, kid, alg }) => ({ key: key.number, kid, alg, thumbprint: key.thumbprint })),
    options: policy.options,
    gate: policy.gate,
    origin: { ...policy.origin, maxLifetimeSeconds: policy.lifetimeOfOrigin },
    acts,
  }
  return JSON.stringify(lines, null, 2)
}

test('the page lists every difference with its source', async () => {
  const page = await readFile(new URL('./differential/README.md', import.meta.url), 'utf8')
  const [refused = '', accepted = ''] = page.split('\n## ').filter((section) => section.includes('| difference |'))
  const rows = (section: string): string[] =>
    section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| difference |'))
  const listed = (differences: Readonly<Record<string, { source: string }>>): string[] =>
    Object.entries(differences).map(([name, { source }]) => `| ${name} | ${source} |`)
  assert.deepEqual(rows(refused), listed(DEVIATIONS))
  assert.deepEqual(rows(accepted), listed(LENIENCIES))
})

test('the model imports only types from the package', async () => {
  for (const file of ['random', 'keys', 'policy', 'tokens', 'rules', 'revocations', 'by-jose', 'acts', 'deviations']) {
    const source = await readFile(new URL(`./differential/${file}.ts`, import.meta.url), 'utf8')
    const imports = source.match(/^import [^;]*? from '[^']+'/gm) ?? []
    const ofPackage = imports.filter((line) => /from '(?:portcullis|\.\.\/)/.test(line))
    assert.deepEqual(
      ofPackage.filter((line) => !line.startsWith('import type ')),
      [],
      file,
    )
  }
})
