import { PortcullisError } from '../../../../errors.ts'

/** Why a request to Keycloak failed. */
export type FailureDetail =
  | 'unreachable'
  | 'timeout'
  | 'redirect'
  | 'not_json'
  | 'too_large'
  | 'wrong_credentials'
  | 'missing_right'
  | 'act_refused'
  | 'unknown_realm'
  | 'wrong_issuer'
  | 'server_error'

/**
 * Returns a `connector_failed` error. Its message repeats nothing of Keycloak's response, which any proxy may have
 * written.
 */
export function failure(detail: FailureDetail, sentence: string, cause?: unknown): PortcullisError {
  return new PortcullisError('connector_failed', sentence, { detail, cause })
}

/** Whether an error is a `connector_failed` for this reason. */
export function isFailure(error: unknown, detail: FailureDetail): error is PortcullisError {
  return error instanceof PortcullisError && error.code === 'connector_failed' && error.detail === detail
}
