// A confirmation dialog. It stays open until the origin has responded, and shows errors.

import { wordsFor } from '../parts/api.ts'
import { type Child, fill, h } from '../parts/dom.ts'
import { notice } from '../parts/notice.ts'

export interface Question {
  title: string
  /** Effect and subject of the action. */
  text: readonly Child[]
  /** Text of the button. */
  verb: string
  kind: 'danger' | 'primary'
  /** Whether a reason for the audit log is required. */
  reason: 'optional' | 'required'
  /** Further fields of the form. */
  fields?: readonly HTMLElement[]
  /** Performs the action with the given reason, which may be empty. On an error the dialog shows it and stays open. */
  run(reason: string): Promise<void>
}

const MAX_REASON_CHARACTERS = 256

let dialogs = 0

/** Resolves with whether it was done. */
export async function confirm({ title, text, verb, kind, reason, fields = [], run }: Question): Promise<boolean> {
  dialogs += 1
  const id = `dialog-${dialogs}`
  const isRequired = reason === 'required'
  const why = h('input', {
    id: `${id}-reason`,
    name: 'reason',
    type: 'text',
    maxlength: MAX_REASON_CHARACTERS,
    autocomplete: 'off',
    required: isRequired,
  })
  const problem = h('div', { role: 'alert' })
  const submit = h('button', { type: 'submit', class: kind }, verb)
  const cancel = h('button', { type: 'button', class: 'quiet', on: { click: () => dialog.close() } }, 'Cancel')
  const form = h(
    'form',
    {},
    h('h2', { id: `${id}-title` }, title),
    h('div', { id: `${id}-text`, class: 'dialog-text' }, ...text),
    ...fields,
    h(
      'div',
      { class: 'field' },
      h('label', { for: why.id }, isRequired ? 'Reason, for the audit log' : 'Reason, for the audit log (optional)'),
      why,
    ),
    problem,
    h('div', { class: 'dialog-buttons' }, cancel, submit),
  )
  const dialog = h(
    'dialog',
    { class: 'confirm', 'aria-labelledby': `${id}-title`, 'aria-describedby': `${id}-text` },
    form,
  )

  let state = 'asking' as 'asking' | 'running' | 'done'
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    if (state === 'asking') void submitted()
  })
  // A request that was sent cannot be cancelled.
  dialog.addEventListener('cancel', (event) => {
    if (state === 'running') event.preventDefault()
  })

  async function submitted(): Promise<void> {
    state = 'running'
    fill(problem)
    for (const button of [submit, cancel]) button.disabled = true
    dialog.setAttribute('aria-busy', 'true')
    try {
      await run(why.value.trim())
      state = 'done'
      dialog.close()
    } catch (error) {
      state = 'asking'
      fill(problem, notice('error', wordsFor(error)))
    } finally {
      dialog.removeAttribute('aria-busy')
      for (const button of [submit, cancel]) button.disabled = false
      if (dialog.open) submit.focus()
    }
  }

  document.body.append(dialog)
  dialog.showModal()
  const first = fields.map((field) => field.querySelector<HTMLElement>('input, select')).find((input) => input !== null)
  ;(first ?? (isRequired ? why : cancel)).focus()
  await new Promise((resolve) => dialog.addEventListener('close', resolve, { once: true }))
  dialog.remove()
  return state === 'done'
}
