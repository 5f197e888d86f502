/**
 * Whether an object anywhere in a text that `JSON.parse` accepts has a member twice. Which of the two would count
 * differs between parsers (RFC 8259 §4), so that one place might check another value than the next one uses.
 */
export function hasMemberTwice(json: string): boolean {
  const objects: Set<string>[] = []
  let name: string | undefined
  for (const [part] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:,]/g)) {
    // An array is a set that stays empty.
    if (part === '{' || part === '[') objects.push(new Set())
    else if (part === '}' || part === ']') objects.pop()
    else if (part === ':' && name !== undefined) {
      const members = objects.at(-1)
      if (members?.has(name)) return true
      members?.add(name)
    }
    name = part.startsWith('"') ? (JSON.parse(part) as string) : undefined
  }
  return false
}
