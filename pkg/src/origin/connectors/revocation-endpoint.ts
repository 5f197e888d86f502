/**
 * A client's revocation request (RFC 7009 §2.1), with the client's own credentials, which are neither stored nor
 * reported.
 */
export interface ClientRequest {
  /** The parameters of the form, including `token`. */
  readonly form: ReadonlyMap<string, string>
  /** The value of the `Authorization` header. */
  readonly authorization: string | undefined
}

/** The response of the identity server. The client is authenticated unless it is `refused`. */
export type EndpointAnswer =
  | { readonly kind: 'revoked'; readonly clientSession?: EndedClientSession }
  /** The token is unknown, expired or already revoked (RFC 7009 §2.2). */
  | { readonly kind: 'unknown_token' }
  | { readonly kind: 'refused'; readonly error: 'invalid_client' | 'invalid_request' | 'unsupported_token_type' }

/** A client's part of a session, which ended together with its refresh token. */
export interface EndedClientSession {
  readonly session: string
  readonly client: string
  /** Unix seconds, by the server's clock. */
  readonly occurredAt: number
}

/** The revocation endpoint of an identity server, for clients and tokens that only the server knows. */
export interface RevocationEndpoint {
  /** Forwards a request. Rejects with `connector_failed`. */
  revoke(request: ClientRequest): Promise<EndpointAnswer>
}
