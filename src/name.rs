//! The names by which tokens are revoked: `sub`, `sid`, `azp`, `client_id`, `jti`.

/// Longest name, in bytes of UTF-8; they are compared byte by byte. A gate refuses a token with a longer one and a ledger
/// records none, so that nothing is accepted that cannot be revoked. Four times the limit of OpenID Connect for a `sub` (Core
/// §2, 255 characters), and short enough for a manifest to carry many.
pub const MAX_NAME_BYTES: usize = 1_024;
