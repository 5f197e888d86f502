//! A compact JWT: its strict form, and the step from untrusted to verified, which takes a valid signature.

use core::fmt;
use std::borrow::Cow;

use thiserror::Error;

use crate::base64url::{decode_onto, decoded_length, NotBase64Url};
use crate::claims::ClaimSet;
use crate::json::{read_object, Duplicates, Text, Value};
use crate::keys::Key;
use crate::signature::Algorithm;

/// Default maximum length of a token in bytes. Servers commonly allow 8 to 16 KiB for all headers of a request
/// together.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// A token split in three and decoded; neither verified nor parsed.
#[derive(Debug)]
pub struct TokenBytes<'t> {
    token: Spelt<'t>,
    parts: Parts,
}

/// The encoded token. Its `Debug` shows only the length.
struct Spelt<'t> {
    signing_input: &'t str,
    length: usize,
}

impl fmt::Debug for Spelt<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} bytes", self.length)
    }
}

/// A token's decoded parts. Its `Debug` shows only lengths.
pub struct Parts {
    /// Header, claims and signature, one after the other.
    decoded: Vec<u8>,
    header_end: usize,
    claims_end: usize,
}

impl<'t> TokenBytes<'t> {
    /// Decodes the JWS compact serialization (RFC 7515 §7.1) in its strict form: three base64url parts without padding,
    /// whitespace or non-zero trailing bits, at most `max_bytes` long.
    ///
    /// # Errors
    /// [`Malformed`] names the fault.
    pub fn decode(token: &'t str, max_bytes: usize) -> Result<Self, Malformed> {
        if token.len() > max_bytes {
            return Err(Malformed::TooLong { bytes: token.len(), limit: max_bytes });
        }
        let (signing_input, signature_text) = token.rsplit_once('.').ok_or(Malformed::NotThreeParts)?;
        let (header_text, claims_text) = signing_input.split_once('.').ok_or(Malformed::NotThreeParts)?;
        let parts = Parts::decode([header_text, claims_text, signature_text]).map_err(|NotBase64Url| {
            // Checked only now, since valid base64url contains no dot: with too many parts, the number of parts is the
            // fault.
            match claims_text.contains('.') {
                true => Malformed::NotThreeParts,
                false => Malformed::NotBase64Url,
            }
        })?;
        Ok(Self { token: Spelt { signing_input, length: token.len() }, parts })
    }

    /// The signing input (RFC 7515 §5.1): the first two parts, still encoded.
    #[must_use]
    pub fn signing_input(&self) -> &'t str {
        self.token.signing_input
    }

    /// The parts.
    #[must_use]
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The parts, without a borrow of the token.
    #[must_use]
    pub fn into_parts(self) -> Parts {
        self.parts
    }
}

impl Parts {
    fn decode([header, claims, signature]: [&str; 3]) -> Result<Self, NotBase64Url> {
        let lengths = [header, claims, signature].map(|part| decoded_length(part.len()));
        let mut decoded = Vec::with_capacity(lengths.iter().sum());
        decode_onto(header.as_bytes(), &mut decoded)?;
        let header_end = decoded.len();
        decode_onto(claims.as_bytes(), &mut decoded)?;
        let claims_end = decoded.len();
        decode_onto(signature.as_bytes(), &mut decoded)?;
        Ok(Self { decoded, header_end, claims_end })
    }

    /// The signature bytes.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        self.decoded.get(self.claims_end..).unwrap_or_default()
    }

    /// The header as a string, not necessarily JSON.
    ///
    /// # Errors
    /// It is not valid UTF-8.
    pub fn header_text(&self) -> Result<&str, Malformed> {
        let bytes = self.decoded.get(..self.header_end).unwrap_or_default();
        core::str::from_utf8(bytes).map_err(|_| Malformed::NotUtf8)
    }

    /// The claims as a string, not necessarily JSON.
    ///
    /// # Errors
    /// They are not valid UTF-8.
    pub fn claims_text(&self) -> Result<&str, Malformed> {
        let bytes = self.decoded.get(self.header_end..self.claims_end).unwrap_or_default();
        core::str::from_utf8(bytes).map_err(|_| Malformed::NotUtf8)
    }

    /// Parses the header.
    ///
    /// # Errors
    /// It is not a strict JSON object, lacks `alg`, has a parameter of the wrong type, or names a critical extension.
    pub fn header(&self) -> Result<Header<'_>, Malformed> {
        Header::read(self.header_text()?)
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Parts").field("bytes", &self.decoded.len()).finish_non_exhaustive()
    }
}

/// The header parameters in use. `jku`, `x5u`, `jwk`, `x5c` and `x5t` are ignored: an attacker could name his own key
/// there (RFC 8725 §3.10).
pub struct Header<'d> {
    algorithm: Option<Algorithm>,
    key_id: Option<Cow<'d, str>>,
    media_type: Option<Cow<'d, str>>,
}

impl<'d> Header<'d> {
    fn read(text: &'d str) -> Result<Self, Malformed> {
        let members = read_object(text, Duplicates::Refuse).map_err(|_| Malformed::Header)?;
        let (mut algorithm, mut key_id, mut media_type) = (None, None, None);
        for member in members {
            // `crit` and `b64` are refused with any value, even `null`; the other parameters count as absent if they
            // are `null`.
            let is_absent = matches!(member.value, Value::Null);
            let text = || member.value.text().map(Text::decode).ok_or(Malformed::Header);
            match &*member.name {
                "alg" | "kid" | "typ" if is_absent => (),
                "alg" => algorithm = Some(Algorithm::from_name(&text()?)),
                "kid" => key_id = Some(text()?),
                "typ" => media_type = Some(text()?),
                // RFC 7515 §4.1.11: an extension that is not understood must be refused, and this crate supports none.
                // RFC 7797 §7: a JWT must not have an unencoded payload; `b64` means nothing outside `crit`, but
                // another reader might honor it.
                "crit" | "b64" => return Err(Malformed::CriticalExtension),
                _ => (),
            }
        }
        let algorithm = algorithm.ok_or(Malformed::Header)?;
        Ok(Self { algorithm, key_id, media_type })
    }

    /// `alg`; `None` for `none` and for unknown algorithms.
    #[must_use]
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// `kid`.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// `typ` without a leading `application/` (RFC 7515 §4.1.9), in its original case, though media types ignore case.
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        const TREE: &str = "application/";
        let written = self.media_type.as_deref()?;
        match written.split_at_checked(TREE.len()) {
            Some((tree, rest)) if tree.eq_ignore_ascii_case(TREE) => Some(rest),
            Some(_) | None => Some(written),
        }
    }
}

/// A well-formed token that is not verified: it serves only to look up realm and key.
pub struct UntrustedToken<'d> {
    header: Header<'d>,
    claims: ClaimSet<'d>,
    signing_input: &'d str,
    signature: &'d [u8],
    length: usize,
}

impl<'d> UntrustedToken<'d> {
    /// Parses header and claims.
    ///
    /// # Errors
    /// One of them is not a strict JSON object, or the header is unusable.
    pub fn read(bytes: &'d TokenBytes<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            header: bytes.parts.header()?,
            claims: ClaimSet::read(bytes.parts.claims_text()?).map_err(|_| Malformed::Claims)?,
            signing_input: bytes.token.signing_input,
            signature: bytes.parts.signature(),
            length: bytes.token.length,
        })
    }

    /// The encoded token's length in bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header<'d> {
        &self.header
    }

    /// The unverified claims, only for finding the realm.
    #[must_use]
    pub fn unverified_claims(&self) -> &ClaimSet<'d> {
        &self.claims
    }

    /// The signature bytes, unverified.
    #[must_use]
    pub fn signature(&self) -> &'d [u8] {
        self.signature
    }

    /// Verifies the signature with one key, whose algorithm must be the header's.
    ///
    /// # Errors
    /// The token itself, still untrusted, if the signature is not valid for this key.
    pub fn verify(self, key: &Key) -> Result<VerifiedToken<'d>, Self> {
        let good = self
            .header
            .algorithm
            .is_some_and(|algorithm| key.verifies(algorithm, self.signing_input.as_bytes(), self.signature));
        match good {
            true => Ok(self.believed()),
            false => Err(self),
        }
    }

    /// The token as verified, after the host has verified its signature with one of the realm's keys. Only for the
    /// functions that finish after a host's check.
    pub(crate) fn verified_by_host(self) -> VerifiedToken<'d> {
        self.believed()
    }

    fn believed(self) -> VerifiedToken<'d> {
        VerifiedToken { header: self.header, claims: self.claims }
    }
}

/// A token signed with one of the realm's keys. Audience, times and revocation are not checked yet.
pub struct VerifiedToken<'d> {
    header: Header<'d>,
    claims: ClaimSet<'d>,
}

impl<'d> VerifiedToken<'d> {
    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header<'d> {
        &self.header
    }

    /// The claims, as the issuer signed them.
    #[must_use]
    pub fn claims(&self) -> &ClaimSet<'d> {
        &self.claims
    }
}

/// The fault in a token's form. Contains no part of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// Longer than allowed.
    #[error("{bytes} bytes long, the limit is {limit}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Not `header.claims.signature`; an encrypted token (JWE) has five parts, the JSON serialization none.
    #[error("not three parts")]
    NotThreeParts,
    /// A part is not strict base64url.
    #[error("a part is not strict base64url")]
    NotBase64Url,
    /// The header or claims are not valid UTF-8.
    #[error("the header or claims are not valid UTF-8")]
    NotUtf8,
    /// The header is not a strict JSON object, has no `alg`, or `alg`, `kid` or `typ` is not a string.
    #[error("the header is unusable")]
    Header,
    /// The header names a critical extension (`crit`, `b64`); none is supported.
    #[error("the header names a critical extension")]
    CriticalExtension,
    /// The claims are not a strict JSON object, or a claim that is used has the wrong type.
    #[error("the claims are unusable")]
    Claims,
}
