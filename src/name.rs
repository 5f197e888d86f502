//! Names: those by which tokens are revoked (`sub`, `sid`, `azp`, `client_id`, `jti`), and how texts are told apart
//! quickly.

/// Longest name, in bytes of UTF-8; they are compared byte by byte. A gate refuses a token with a longer one and a
/// ledger records none, so that nothing is accepted that cannot be revoked. Four times the limit of OpenID Connect for
/// a `sub` (Core §2, 255 characters), and short enough for a manifest to carry many.
pub const MAX_NAME_BYTES: usize = 1_024;

/// A number that tells most texts apart. A signer who makes two alike gains nothing: the texts are compared as well.
pub(crate) fn digest(text: &[u8]) -> u64 {
    text.chunks(8).fold(0, |digest, chunk| {
        let mut word = [0; 8];
        word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        // Knuth's MMIX multiplier spreads every character over the upper half, the rotation brings that down again.
        (digest ^ u64::from_le_bytes(word)).wrapping_mul(6_364_136_223_846_793_005).rotate_left(29)
    })
}
