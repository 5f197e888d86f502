// Words that a reader stumbles over, and what is written instead. What is quoted in backticks is not looked at.

import type { Passage } from './passages.ts'

interface Pattern {
  readonly name: string
  /** A space stands for any white space, a line break too. */
  readonly words: RegExp
  /** Only at the beginning of a sentence. */
  readonly first: boolean
  /** What is written instead, and why. */
  readonly instead: string
  /** Each is a fault. */
  readonly faults: readonly string[]
  /** Near misses, which are good English. */
  readonly good: readonly string[]
}

const pattern = (
  name: string,
  words: RegExp,
  instead: string,
  faults: string[],
  good: string[],
  first = false,
): Pattern => ({
  name,
  words: new RegExp(words.source.replaceAll(' ', String.raw`\s+`), `g${words.flags}`),
  first,
  instead,
  faults,
  good,
})

export const PATTERNS: readonly Pattern[] = [
  pattern(
    'a text',
    /\b(?:a|an empty|any|each|every|another|one|of) texts?\b(?! (?:area|box|editor|encoder|field|file|format|frame|input|message|node|page|response)\b)|\b(?:which|how|two|these|those|the|all|other) texts\b/i,
    'a string: the standard term',
    ['it takes a text of that length', 'shorter than another text', 'it compares the texts'],
    ['it sends a text response', 'the text of the page', 'shows it as text'],
  ),
  pattern(
    'sentence with What, Which, Whoever',
    /\b(?:What|Which|Whoever|Whatever|Whose|Whichever)\b/i,
    'a verb or a noun phrase first ("The result of …", "Returns …")',
    ['What a gate knows is kept.', 'It fails. Whoever asks gets 401.', 'which of them are kept, by name'],
    ['What is a realm?', 'It shows what a gate knows.', 'Tokens without an id: which of them are kept.'],
    true,
  ),
  pattern(
    'whoever, whatever',
    /\b(?:whoever|whomever|whatever|whosever|whatsoever)\b/i,
    'name who or what: "the caller", "any value", "regardless of"',
    ['the caller or whoever holds the token', 'kept whatever happens'],
    ['the one who holds the token'],
  ),
  pattern(
    'is no X',
    /\b(?:is|are|was|were|be|been) (?<!\bthere (?:(?:can|may|must|will|would|could|should|has|have) )?\w+ )no (?!(?:longer|more|less|fewer|larger|smaller|greater|later|earlier|sooner|better|worse|faster|slower|different|older|newer|doubt)\b)[\p{L}_`]/iu,
    '"is not a …", "is not a valid …"',
    ['the value is no number', 'keys that are no keys', 'a file that was no backup', 'must be no URL'],
    ['there is no number', 'there must be no value', 'it is no longer kept', 'it is no larger than that'],
  ),
  pattern(
    'Answers, of a function',
    /\bAnswers (?:how|whether|where|which|what|true|false|undefined|an?|the|its|`_*`)(?! (?:\w+ )?(?:call|client|poll|preflight|push|refresh|request)(?:es|s)?\b)(?![^\s`])/i,
    '"Returns", "Resolves to", "Handles"',
    ['Answers how many there are.', 'It is read. Answers the names of all.'],
    ['Answers a request.', 'Answers of two gates', 'The answers how they came'],
    true,
  ),
  pattern(
    'answers, for returns',
    /\banswers (?:how|whether|where|which|what|true|false|undefined|null|anything|nothing|something|everything|its|like|as ever|so|by promise)\b|\banswers (?:with )?(?:\d{3}\b|¤|`_*`)|\b(?:and|that|it|which|route|function) answers (?:a|an|the) (?!(?:\w+ )?(?:call|client|poll|preflight|push|refresh|request)(?:es|s)?\b)/i,
    '"returns"; of HTTP "responds with", "returns 404"',
    [
      'the route answers 404',
      'it answers `false`',
      'looks it up and answers whether it is',
      'and answers the new version',
    ],
    [
      'the answers of two gates',
      'a server that never answers',
      'it answers preflights',
      'the worker answers a request',
    ],
  ),
  pattern(
    'hears of',
    /\b(?:hears?|heard|hearing) of\b/i,
    '"learns of", "receives", "is notified of"',
    ['the edge hears of a logout', 'which it has not heard of'],
    ['the caller hears it'],
  ),
  pattern(
    'heed',
    /\b(?:un)?heed(?:s|ed|ing)?\b/i,
    '"uses", "applies", "observes"',
    ['the option is heeded here'],
    ['need'],
  ),
  pattern(
    'nobody',
    /\bnobody(?:'s|’s)?\b/i,
    '"no client", "no caller", "no one": name who',
    ['a key that nobody needs'],
    ['no client needs it'],
  ),
  pattern(
    "anybody's, everybody's",
    /\b(?:any|some|every)body(?:'s|’s)/i,
    'name whose: "of any user", "of all users"',
    ["a token of everybody's", 'anybody’s key is good'],
    ['everybody is logged out'],
  ),
  pattern(
    'there is none',
    /\bthere (?:is|are|was|were) none\b|\b(?:is|are|was|were|be|been) none\b/i,
    '"does not exist", "is missing", "is empty", "is not one of"',
    ['without a key there is none', 'as long as there are none', 'it is none of the realm'],
    ['none of them is kept'],
  ),
  pattern(
    'to be had',
    /\b(?:to|can|cannot|could|could not|can not|may|not) be had\b/i,
    '"available", "cannot be fetched"',
    ['the keys cannot be had', 'it is not to be had'],
    ['must be handed over'],
  ),
  pattern('for ever', /\bfor ever\b/i, '"permanently", "indefinitely", "forever"', ['kept for ever'], ['kept forever']),
  pattern('anew', /\banew\b/i, '"again", "new"', ['it is signed anew'], ['it is signed again']),
  pattern('at hand', /\bat hand\b/i, '"available", "present", "in memory"', ['with the key at hand'], ['at the hand']),
  pattern('well again', /\bwell again\b/i, '"has recovered"', ['the store is well again'], ['it works well']),
  pattern(
    'is told',
    /\b(?:is|are|was|were|be|been) told\b(?! (?:apart|to|otherwise)\b)/i,
    '"is notified", "is informed", "is detected", "is distinguished"',
    ['the origin is told of it', 'a logout that was told'],
    ['they are told apart', 'it is told to stop'],
  ),
  pattern(
    'stands in',
    /\bstands? (?:in|there|here|beside|at)\b(?! (?:for|place of|the way)\b)/i,
    '"is in", "is set in", "appears in"',
    ['the key stands in the file', 'as they stand there', 'it may stand in the form'],
    ['it stands in for the server', 'the stand of the counter'],
  ),
  pattern(
    'lets in',
    /\blets? (?:\w+ )?(?:nothing|anybody|anyone|somebody|strangers|a token|tokens) in\b|\blets? in\b/i,
    '"accepts", "allows"',
    ['a pattern that lets in strangers', 'it lets a token in', 'they let nothing in'],
    ['it lets requests through', 'it lets its users log in', 'it lets a log in a folder grow'],
  ),
  pattern(
    'taken in, given up',
    /\b(?:is|are|was|were|be|been|being) (?:taken in|given up)\b/i,
    '"is read", "is absorbed"; "is discarded", "is abandoned", "is evicted"',
    ['the instance is given up', 'the prefix was taken in once'],
    ['it gives up after 5 s', 'they are taken into account'],
  ),
  pattern(
    'is asked for',
    /\b(?:is|are|was|were|be|been) asked for\b/i,
    '"is requested", "is fetched"',
    ['the section is asked for once'],
    ['it asks for the section', 'the section it asked for'],
  ),
  pattern(
    'no such X here',
    /\bno such [\w-]+ here\b/i,
    '"unknown X": say what is wrong',
    ['no such realm here'],
    ['no such file', 'no such key in the set'],
  ),
  pattern(
    'of its own making',
    /\bof (?:\S+ )?\S+ own making\b|\bof \w+body['’]s making\b/i,
    '"its own", "custom"',
    ["ids of the client's own making", 'stores of anybody’s making'],
    ['before making them'],
  ),
  pattern(
    'for want of, in vain',
    /\bfor want of\b|\bin vain\b|\bin (?:its|their|his|her) stead\b|\bby and by\b|\b(?:whence|thence|lest)\b/i,
    '"because … is missing", "without success", "instead", "gradually": current words',
    ['refused for want of a key', 'an attempt in vain', 'it answers in its stead', 'by and by they expire'],
    ['in its place'],
  ),
  pattern(
    'at the most',
    /\bat the (?:most|least)\b(?! recent)/i,
    '"at most", "at least"',
    ['two seconds at the most', 'at the least 5'],
    ['at most', 'at the most recent position'],
  ),
]

interface Hit {
  readonly line: number
  readonly pattern: Pattern
  readonly words: string
}

/** Returns every fault of a passage. */
export function hitsOf({ place, line, text }: Passage): Hit[] {
  // Quotations count as words, unread. A line break in one stays.
  const read = text.replace(/`[^`]*`/g, (quoted) => quoted.replace(/[^\n`]/g, '_'))
  const found: Hit[] = []
  for (const each of PATTERNS) {
    for (const match of read.matchAll(each.words)) {
      const [words] = match
      if (each.first && !(isFirst(read, match.index, place) && !isQuestionOrTitle(read, match.index, place))) continue
      found.push({ line: line + read.slice(0, match.index).split('\n').length - 1, pattern: each, words: words.trim() })
    }
  }
  return found
}

/** A question may begin with What, and so may a heading or a label: few words without a full stop. */
function isQuestionOrTitle(text: string, at: number, place: Passage['place']): boolean {
  const sentence = /^[^.!?;]*[.!?;]?/.exec(text.slice(at))?.[0] ?? ''
  if (sentence.endsWith('?')) return true
  if (place === 'test name' || place === 'comment') return false
  const isWhole = text.slice(0, at).trim() === '' && sentence.trim() === text.trim()
  return isWhole && !/[.:;]$/.test(sentence.trim()) && sentence.trim().split(/\s+/).length <= 6
}

/** Whether a sentence begins here. A string may go on with the sentence of another one. */
function isFirst(text: string, at: number, place: Passage['place']): boolean {
  const isCapital = /\p{Lu}/u.test(text[at] ?? '')
  const before = text.slice(Math.max(0, at - 40), at)
  if (at - before.length === 0 && /^[\s*"'>-]*$/.test(before))
    return isCapital || place === 'test name' || place === 'comment'
  return isCapital && /[.!?:>]["'*)\s]+$|>$|\n\s*\n$/.test(before)
}
