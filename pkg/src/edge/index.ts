export * from '../types.ts'
export { PortcullisError, type ErrorCode } from '../errors.ts'
export { REASONS, type Reason } from '../reasons.ts'
export { createGate } from './gate.ts'
