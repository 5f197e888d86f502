// The cookie with the token, read from headers as browsers send them and as an attacker may cause them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cookieToken } from './cookie.ts'

const NAME = '__Host-token'
const TOKEN = 'aaa.bbb.ccc'

const cases: [string, string | null, string | 'nothing' | 'several'][] = [
  ['no header', null, 'nothing'],
  ['an empty header', '', 'nothing'],
  ['the cookie alone', `${NAME}=${TOKEN}`, TOKEN],
  ['among others', `a=1; ${NAME}=${TOKEN}; b=2`, TOKEN],
  ['without the space', `a=1;${NAME}=${TOKEN};b=2`, TOKEN],
  ['with blanks around', `a=1; \t${NAME} \t=\t ${TOKEN} \t; b=2`, TOKEN],
  ['in quotes', `${NAME}="${TOKEN}"`, TOKEN],
  ['an opening quote alone', `${NAME}="${TOKEN}`, `"${TOKEN}`],
  ['one quote', `${NAME}="`, '"'],
  ['an empty value', `${NAME}=`, ''],
  ['empty quotes', `${NAME}=""`, ''],
  ['a value with an equals sign', `${NAME}=a=b`, 'a=b'],
  ['no equals sign', NAME, 'nothing'],
  ['a name that goes on', `${NAME}2=${TOKEN}`, 'nothing'],
  ['a name that begins earlier', `x${NAME}=${TOKEN}`, 'nothing'],
  ['a name in another case', `__host-token=${TOKEN}; __HOST-TOKEN=${TOKEN}`, 'nothing'],
  ['a name in another case, beside it', `__host-token=evil; ${NAME}=${TOKEN}`, TOKEN],
  ['a nameless cookie', `=${NAME}=${TOKEN}`, 'nothing'],
  ['in the value of another', `a=${NAME}=${TOKEN}; b="; c"`, 'nothing'],
  ['after a comma in the value of another', `a=1, ${NAME}=${TOKEN}`, 'nothing'],
  [
    'white space other than a space',
    `\u00a0${NAME}=${TOKEN}; \u000b${NAME}=${TOKEN}; ${NAME}\u00a0=${TOKEN}; ${NAME}\n=${TOKEN}`,
    'nothing',
  ],
  ['percent-encoding is not decoded', `${NAME}=aaa%2Ebbb.ccc`, 'aaa%2Ebbb.ccc'],
  ['a name in percent-encoding', `%5F%5FHost-token=${TOKEN}`, 'nothing'],
  ['the old version marker', `$Version=1; ${NAME}="${TOKEN}"; $Path="/"`, TOKEN],
  ['twice', `${NAME}=${TOKEN}; ${NAME}=evil`, 'several'],
  ['twice, the same', `${NAME}=${TOKEN}; ${NAME}=${TOKEN}`, 'several'],
  ['twice, once empty', `${NAME}=; ${NAME}=${TOKEN}`, 'several'],
  ['twice, once with a blank in front of the sign', `${NAME}=${TOKEN};${NAME} =evil`, 'several'],
  ['two headers, joined', `${NAME}=${TOKEN}, ${NAME}=evil`, 'several'],
]
for (const [name, header, expected] of cases) {
  test(`the token in a cookie: ${name}`, () => {
    const found = cookieToken(header, NAME)
    assert.deepEqual(
      found,
      expected === 'nothing' || expected === 'several' ? { kind: expected } : { kind: 'token', token: expected },
    )
  })
}

test('the time for a header of a megabyte grows linearly with the header', () => {
  const timeOf = (header: string): number => {
    const start = performance.now()
    for (let times = 0; times < 5; times += 1) cookieToken(header, NAME)
    return performance.now() - start
  }
  for (const part of [';', `${NAME};`, `${NAME} ;`, ' ', 'x=y; ', `x${NAME}=`]) {
    const [small, large] = [
      part.repeat(Math.ceil(100_000 / part.length)),
      part.repeat(Math.ceil(1_600_000 / part.length)),
    ]
    timeOf(small)
    const before = Math.max(timeOf(small), 1)
    // Sixteen times the length: quadratic work would take 256 times as long.
    assert.ok(Math.min(timeOf(large), timeOf(large), timeOf(large)) < before * 100, part)
  }
})
