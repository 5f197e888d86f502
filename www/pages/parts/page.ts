// Starts a page: loads the demo's settings, or shows why that failed.

import { type Demo, loadDemo, wordsFor } from './api.ts'
import { fill, h, pageElement } from './dom.ts'
import { notice } from './notice.ts'

/** Loads the demo's settings and shows the page. On failure it shows the error and a button to try again. */
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

/** Shows a notice at the top of the page while the browser is offline. */
function announceConnection(): void {
  if (document.getElementById('offline') !== null) return
  const box = h('div', { id: 'offline', role: 'status' })
  pageElement().before(box)
  const update = (): void => {
    const words = 'This browser is offline. The page shows the last known state.'
    fill(box, navigator.onLine ? undefined : notice('warning', words))
  }
  addEventListener('online', update)
  addEventListener('offline', update)
  update()
}
