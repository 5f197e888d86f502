// Blocks of HTTP: a request, a response, or headers.
//
// A request is sent to the stage's origin, with a credential in place of the truncated one (`…`), and must succeed. A
// response is compared to that of a gate for a token whose user is logged out. Headers alone must be valid.

import type { Block } from './blocks.ts'
import type { DocsStage } from './runner.ts'

/** Returns the faults of a block as `page:line: message`. */
export async function httpErrors(block: Block, stage: DocsStage): Promise<string[]> {
  const [first = ''] = block.text.split('\n', 1)
  const found = /^[A-Z]+ \//.test(first)
    ? await requestErrors(block.text, stage)
    : first.startsWith('HTTP/')
      ? responseErrors(block.text, await stage.refusal())
      : headerErrors(block.text)
  return found.map((error) => `${block.page}:${block.line}: ${error}`)
}

async function requestErrors(text: string, stage: DocsStage): Promise<string[]> {
  const [head = '', body] = text.split('\n\n')
  const [line = '', ...lines] = head.split('\n')
  const [, method = '', path = ''] = /^([A-Z]+) (\/\S*)$/.exec(line) ?? []
  const headers = new Headers()
  for (const [name, value] of fieldsOf(lines)) headers.set(name, value.includes('…') ? `Bearer ${stage.caller}` : value)
  const sent = body?.replaceAll('https://id.example/realms/acme', stage.issuer) ?? null
  const response = await fetch(stage.url + path, { method, headers, body: sent })
  return response.ok ? [] : [`${line}: ${response.status} ${await response.text()}`]
}

function responseErrors(text: string, response: Response): string[] {
  const [line = '', ...lines] = text.split('\n')
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1])
  const found = status === response.status ? [] : [`the status is ${response.status}`]
  for (const [name, value] of fieldsOf(lines)) {
    const actual = response.headers.get(name)
    if (actual !== value) found.push(`${name} is ${actual}`)
  }
  return found
}

function headerErrors(text: string): string[] {
  return fieldsOf(text.split('\n')).flatMap(([name, value]) => {
    switch (name.toLowerCase()) {
      case 'set-cookie':
        return cookieErrors(value)
      case 'content-security-policy':
        return policyErrors(value)
      default:
        return [`no test knows the header '${name}'`]
    }
  })
}

/** RFC 6265bis §4.1.3.2: a browser rejects a `__Host-` cookie without `Path=/` and `Secure`. */
function cookieErrors(value: string): string[] {
  const [pair = '', ...attributes] = value.split(/; ?/)
  const names = attributes.map((attribute) => attribute.toLowerCase())
  const isKnown = /^(path=\/|secure|httponly|samesite=(strict|lax|none)|max-age=\d+)$/
  const missing = pair.startsWith('__Host-') ? ['path=/', 'secure'].filter((name) => !names.includes(name)) : []
  return [
    ...names.filter((name) => !isKnown.test(name)).map((name) => `the cookie has ${name}`),
    ...missing.map((name) => `the cookie lacks ${name}`),
  ]
}

/** The directives that the pages use, with sources in the form of CSP Level 3 §2.3.1. */
function policyErrors(value: string): string[] {
  return value.split('; ').flatMap((directive) => {
    const [name = '', ...sources] = directive.split(' ')
    if (!/^(default|script|connect|worker|style)-src$/.test(name)) return [`the policy has ${name}`]
    return sources
      .filter((source) => !/^('self'|'none'|'wasm-unsafe-eval'|https:\/\/[\w.-]+)$/.test(source))
      .map((source) => `the policy has ${source}`)
  })
}

function fieldsOf(lines: readonly string[]): [string, string][] {
  return lines.map((line) => {
    const [, name = '', value = ''] = /^([\w-]+): (.*)$/.exec(line) ?? []
    return [name, value]
  })
}
