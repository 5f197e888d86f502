import { createGate } from 'portcullis/edge'

export const gate = createGate((env: { GATE_OPTIONS: string }) => JSON.parse(env.GATE_OPTIONS))
