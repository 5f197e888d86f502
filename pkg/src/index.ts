export * from './types.ts'
export { ERROR_CODES, PortcullisError, type ErrorCode } from './errors.ts'
export { REASONS, statusOf, type Reason } from './reasons.ts'
