// The playground: the gate's verdict on a token, check by check, in this page.

import { startPage } from '../parts/page.ts'
import { fill, h } from '../parts/dom.ts'
import { showChecks } from './checks.ts'
import { showContents } from './contents.ts'
import { openLiveGate } from './live.ts'
import { showRevocations } from './revocations.ts'
import { showSnapshot } from './snapshot.ts'
import { showTokenField } from './tokenfield.ts'
import { showVerdict } from './verdict.ts'

void startPage(async (place, demo) => {
  const live = await openLiveGate(demo)
  const field = showTokenField(demo, (token) => live.judge(token))
  const verdict = showVerdict()
  const checks = showChecks(await live.plan())
  const contents = showContents()
  const snapshot = showSnapshot()
  const revocations = showRevocations(demo)
  live.onJudgement((judgement) => {
    for (const part of [verdict, checks, contents, revocations]) part.update(judgement)
  })
  live.onStatus((status) => snapshot.update(status))
  fill(
    place,
    h(
      'div',
      { class: 'columns' },
      h('div', { class: 'stack-wide' }, field.element, verdict.element, revocations.element),
      h('div', { class: 'stack-wide' }, checks.element),
      h('div', { class: 'stack-wide wide' }, contents.element, snapshot.element),
    ),
  )
  live.start()
})
