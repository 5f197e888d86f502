// The start of a page: loads the settings of its demo, or says why it cannot.

import { type Demo, loadDemo, wordsFor } from './api.ts'
import { fill, h, pageElement } from './dom.ts'
import { notice } from './notice.ts'

/** Loads the demo's settings and shows the page. When that fails it says so, with a button to try again. */
export async function startPage(show: (place: HTMLElement, demo: Demo) => void | Promise<void>): Promise<void> {
  const place = pageElement()
  try {
    await show(place, await loadDemo())
    announceConnection()
  } catch (error) {
    const again = h('button', { type: 'button', on: { click: () => void startPage(show) } }, 'Try again')
    fill(place, notice('error', wordsFor(error)), again)
  }
}

/** A notice at the head of the page for as long as the browser has no network. */
function announceConnection(): void {
  if (document.getElementById('offline') !== null) return
  const box = h('div', { id: 'offline', role: 'status' })
  pageElement().before(box)
  const update = (): void => {
    const words = 'This browser is offline. What is shown is what was known before.'
    fill(box, navigator.onLine ? undefined : notice('warning', words))
  }
  addEventListener('online', update)
  addEventListener('offline', update)
  update()
}
