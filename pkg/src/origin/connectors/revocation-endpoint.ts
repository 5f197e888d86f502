/**
 * A client's request for revocation (RFC 7009 §2.1), with credentials that are the client's own: it is neither kept nor
 * reported.
 */
export interface ClientRequest {
  /** The parameters of the form, `token` among them. */
  readonly form: ReadonlyMap<string, string>
  /** The value of the `Authorization` header. */
  readonly authorization: string | undefined
}

/** The answer of the identity server: the client is authenticated unless it is `refused`. */
export type EndpointAnswer =
  | { readonly kind: 'revoked'; readonly clientSession?: EndedClientSession }
  /** It is unknown, expired or revoked already (RFC 7009 §2.2). */
  | { readonly kind: 'unknown_token' }
  | { readonly kind: 'refused'; readonly error: 'invalid_client' | 'invalid_request' | 'unsupported_token_type' }

/** A client's part of a session, which ended with its refresh token. */
export interface EndedClientSession {
  readonly session: string
  readonly client: string
  /** Unix seconds, by the server's clock. */
  readonly occurredAt: number
}

/** The revocation endpoint of an identity server, for clients and tokens that only the server knows. */
export interface RevocationEndpoint {
  /** Sends a request on. Rejects with `connector_failed`. */
  revoke(request: ClientRequest): Promise<EndpointAnswer>
}
