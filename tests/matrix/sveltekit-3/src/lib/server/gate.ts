import { createGate } from 'portcullis/edge'

export const gate = createGate(() => JSON.parse(process.env.GATE_OPTIONS ?? ''))
