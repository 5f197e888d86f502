export * from './types.ts'
export { PortcullisError, type ErrorCode } from './errors.ts'
export { REASONS, statusOf, type Reason } from './reasons.ts'
