//! The names by which tokens are revoked (`sub`, `sid`, `azp`, `client_id`, `jti`), and a fast digest of strings.

/// Maximum length of a name in bytes of UTF-8. Names are compared byte by byte. A gate refuses a token with a longer
/// name and a ledger records none, so that every accepted token can be revoked. The limit is four times that of OpenID
/// Connect for a `sub` (Core §2, 255 characters), and short enough for a manifest to carry many names.
pub const MAX_NAME_BYTES: usize = 1_024;

/// A digest that differs for most strings. A signer who produces a collision gains nothing, because the strings are
/// compared as well.
pub(crate) fn digest(text: &[u8]) -> u64 {
    text.chunks(8).fold(0, |digest, chunk| {
        let mut word = [0; 8];
        word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        // Knuth's MMIX multiplier spreads every character over the upper half; the rotation moves that half down again.
        (digest ^ u64::from_le_bytes(word)).wrapping_mul(6_364_136_223_846_793_005).rotate_left(29)
    })
}
