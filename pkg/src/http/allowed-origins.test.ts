import assert from 'node:assert/strict'
import { describe, mock, test } from 'node:test'
import type { PortcullisError } from '../errors.ts'
import type { CorsOrigins } from '../types.ts'
import { AllowedOrigins, corsOrigins, MAX_ORIGIN_CHARACTERS } from './allowed-origins.ts'

function opened(origins: CorsOrigins) {
  corsOrigins(1).check(origins, 'options.origins')
  const reports: PortcullisError[] = []
  const allowed = new AllowedOrigins(origins, 'options.origins')
  const report = (error: PortcullisError) => void reports.push(error)
  return {
    reports,
    allows: (origin: string | null) => allowed.allows(origin, report),
    warn: () => allowed.warnOnce(report),
  }
}

/**
 * Origins and other strings that resemble `https://app.example`, `https://a.app.example` or
 * `https://a.app.example:8443`.
 */
const RESEMBLING = [
  null,
  '',
  'null',
  '*',
  'https://*.app.example',
  'https://.app.example',
  'https://app.example/',
  'https://app.example ',
  'https://app.example.',
  'https://a.app.example.',
  'https://a.b.app.example',
  'https://a..app.example',
  'https://-a.app.example',
  'https://a-.app.example',
  'http://a.app.example',
  'wss://a.app.example',
  'https:///a.app.example',
  'https:/a.app.example',
  'https//a.app.example',
  'a.app.example',
  'https://a.app.example:443',
  'https://a.app.example:8080',
  'https://a.app.example:84430',
  'https://a.app.example:',
  'https://APP.example',
  'https://A.app.example',
  'HTTPS://a.app.example',
  'https://a.app.EXAMPLE',
  'https://evilapp.example',
  'https://a.app.example.evil.example',
  'https://a.app-example',
  'https://axapp.example',
  'https://evil.example/.app.example',
  'https://evil.example#.app.example',
  'https://evil.example?.app.example',
  'https://evil.example\\.app.example',
  'https://evil.example:80.app.example',
  'https://evil@a.app.example',
  'https://evil.example%2f.app.example',
  'https://a%2eb.app.example',
  'https://a\u3002b.app.example',
  'https://ä.app.example',
  'https://a\n.app.example',
  'https://a\u0000.app.example',
  'https://[::1].app.example',
  'https://a.app.example, https://a.app.example',
  'https://a.app.example https://evil.example',
]

describe('a list', () => {
  test('allows exactly its origins', () => {
    const { allows } = opened([
      'https://app.example',
      'http://localhost:5173',
      'https://xn--bcher-kva.example',
      'https://[::1]:8080',
    ])
    for (const origin of [
      'https://app.example',
      'http://localhost:5173',
      'https://xn--bcher-kva.example',
      'https://[::1]:8080',
    ])
      assert.equal(allows(origin), true)
    for (const origin of RESEMBLING) assert.equal(allows(origin), false, String(origin))
  })

  test('a pattern allows any one label, with scheme and port as written', () => {
    const { allows } = opened(['https://*.app.example', 'https://*.app.example:8443'])
    const labels = ['a', 'tenant-1', 'xn--bcher-kva', '0', 'a_b', 'x'.repeat(63)]
    for (const label of labels) {
      assert.equal(allows(`https://${label}.app.example`), true, label)
      assert.equal(allows(`https://${label}.app.example:8443`), true, label)
    }
    for (const origin of [...RESEMBLING, 'https://app.example', `https://${'x'.repeat(64)}.app.example`])
      assert.equal(allows(origin), false, String(origin))
  })

  test('an origin of 100 kB is refused, and no function is called', () => {
    for (const origins of [
      ['https://app.example'],
      ['https://*.app.example'],
      () => assert.fail('must not be asked'),
    ] satisfies CorsOrigins[]) {
      const { allows, reports } = opened(origins)
      for (const long of [`https://${'a'.repeat(100_000)}.app.example`, `https://${'a.'.repeat(50_000)}app.example`])
        assert.equal(allows(long), false)
      // A function that was called and threw is reported.
      assert.deepEqual(reports, [])
    }
  })
})

describe('a function', () => {
  test('is called for origins in the form that browsers send', async () => {
    const asked: string[] = []
    const { allows, reports } = opened((origin) => asked.push(origin) > 0 && origin.endsWith('.example'))
    const sent = [
      'https://app.example',
      'http://localhost:5173',
      'https://[::1]:8080',
      'capacitor://localhost',
      'chrome-extension://abcdef',
      'https://app.example.',
      'null',
    ]
    for (const origin of sent) assert.equal(allows(origin), origin.endsWith('.example'))
    assert.deepEqual(asked, sent)
    const others = [
      null,
      '',
      '*',
      'app.example',
      'https://app.example/',
      'https://APP.example',
      'https://a@app.example',
      'https://ä.example',
      'https://a, https://b.example',
    ]
    for (const origin of [...others, `https://${'x'.repeat(MAX_ORIGIN_CHARACTERS)}.example`])
      assert.equal(allows(origin), false)
    assert.deepEqual(asked, sent)
    assert.deepEqual(reports, [])
  })

  test('may return a promise', async () => {
    const { allows, reports } = opened(async (origin) => origin === 'https://app.example')
    assert.equal(await allows('https://app.example'), true)
    assert.equal(await allows('https://other.example'), false)
    assert.deepEqual(reports, [])
  })

  test('that throws, rejects, or returns another type allows nothing and is reported', async () => {
    const cause = new Error('database down')
    const failing: [() => unknown, RegExp, unknown][] = [
      [
        () => {
          throw cause
        },
        /options\.origins threw/,
        cause,
      ],
      [() => Promise.reject(cause), /rejected/, cause],
      // As the functions of other CORS middleware do.
      [() => 'https://app.example', /neither true nor false/, undefined],
      [() => undefined, /neither true nor false/, undefined],
      [async () => 1, /neither true nor false/, undefined],
      [
        () => ({
          then: () => {
            throw cause
          },
        }),
        /rejected/,
        cause,
      ],
    ]
    for (const [decide, message, expected] of failing) {
      const { allows, reports } = opened(decide as never)
      assert.equal(await allows('https://app.example'), false)
      assert.equal(await allows('https://app.example'), false)
      assert.equal(reports.length, 1, 'at most once a minute')
      assert.match(reports[0]?.message ?? '', message)
      assert.deepEqual(
        [reports[0]?.code, reports[0]?.detail, reports[0]?.cause],
        ['fault', 'origin_function', expected],
      )
    }
  })

  test('that never settles allows nothing after two seconds', async (t) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    t.after(() => mock.timers.reset())
    const { allows, reports } = opened(() => new Promise(() => undefined))
    const allowed = allows('https://app.example')
    mock.timers.tick(1_999)
    assert.equal(reports.length, 0)
    mock.timers.tick(1)
    assert.equal(await allowed, false)
    assert.match(reports[0]?.message ?? '', /did not settle within 2000 ms/)
  })

  test('with a listener that throws is only refused', async () => {
    for (const decide of [() => assert.fail('the function'), () => Promise.reject(new Error('the function'))]) {
      const allowed = new AllowedOrigins(decide, 'options.origins')
      assert.equal(await allowed.allows('https://app.example', () => assert.fail('the listener')), false)
    }
  })
})

test('any origin', () => {
  const { allows, warn, reports } = opened('*')
  for (const origin of [null, 'null', 'https://app.example']) assert.equal(allows(origin), true)
  warn()
  assert.deepEqual(reports, [])
})

test('a pattern below a shared suffix is reported once', () => {
  for (const suffix of ['vercel.app', 'pages.dev', 'github.io', 'co.uk', 'com', 'vercel.app:8443']) {
    const { warn, reports } = opened(['https://app.example', `https://*.${suffix}`])
    warn()
    warn()
    assert.deepEqual(
      reports.map(({ code, detail }) => [code, detail]),
      [['invalid_option', 'public_suffix']],
      suffix,
    )
    assert.match(reports[0]?.message ?? '', /options\.origins has a pattern below a registry or hosting service/)
  }
  const { warn, reports } = opened([
    'https://*.app.example',
    'http://*.localhost:5173',
    'https://*.acme.vercel.app',
    'https://acme.vercel.app',
  ])
  warn()
  assert.deepEqual(reports, [])
})

test('options that no browser sends are refused, naming their place', () => {
  const wrong = [
    'null',
    '*',
    '',
    'app.example',
    '*.app.example',
    'https://app.example/',
    'https://app.example:443',
    'https://APP.example',
    'https://*.APP.example',
    'https://*',
    'https://*.',
    'https://*app.example',
    'https://a.*.example',
    'https://*.*.example',
    'https://**.example',
    '*://app.example',
    'https://app.example:*',
    'https://*.app.example/',
    'https://*.app.example:443',
    'https://user@app.example',
    'https://*.user@app.example',
    'https://bücher.example',
    'https://*.bücher.example',
    'https://*.0.0.1',
    'https://*.[::1]',
    'capacitor://localhost',
    `https://${'a.'.repeat(200)}example`,
    7,
    null,
  ]
  for (const each of wrong) {
    const error = { code: 'invalid_option', message: /^options\.origins\[1\] must be an origin such as/ }
    assert.throws(() => opened(['https://app.example', each] as never), error, String(each))
  }
  for (const each of [[], 'https://app.example', null, {}, 7, true]) {
    assert.throws(
      () => opened(each as never),
      { code: 'invalid_option', message: /^options\.origins must be/ },
      JSON.stringify(each),
    )
  }
})
