import { createGate } from 'portcullis/edge'
import { env } from '$env/dynamic/private'

export const gate = createGate(() => JSON.parse(env.GATE_OPTIONS ?? ''))
