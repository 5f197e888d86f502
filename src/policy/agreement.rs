//! The policy fields on which gate and origin must agree. If they differ, a revocation is recorded under one name and
//! looked up under another, and is silently lost.

use core::fmt;

use sha2::{Digest, Sha256};

use super::{Compare, NumericIds, Policy, Profile, Subjects};

/// The version of the canonical form that [`Policy::digest`] hashes. A field introduced later is included only if its
/// value is not the default. Policies that the original fields can express therefore keep their digest, and the version
/// stays.
pub const DIGEST_VERSION: u8 = 1;

/// Domain separation prefix.
const DOMAIN: &[u8] = b"portcullis/policy/v1\0";

/// Stands for fields that a later version has added.
const UNKNOWN_FIELD: &str = "an option of a later version";

impl Policy {
    /// The digest of everything that gate and origin must agree on ([`AgreedField`]), with defaults filled in.
    ///
    /// The digest is the first 16 bytes of SHA-256 over `"portcullis/policy/v1\0"` and, for each field in the order of
    /// [`AgreedField::ALL`], its name, the number of its values, and the values. Names and values are UTF-8, prefixed
    /// with their length in bytes; numbers are 32-bit little-endian.
    #[must_use]
    pub fn digest(&self) -> PolicyDigest {
        PolicyDigest(cut(self.hash(DOMAIN, AgreedField::ALL.into_iter().filter(|field| field.enters(self)).collect())))
    }

    /// A short digest of each field, in the order of [`AgreedField::ALL`]: the first 4 bytes of SHA-256 over the
    /// field's part of [`Policy::digest`], as if it were not the default. After [`AgreedField::GrantClaim`], the list
    /// ends with the last field that is not the default, so that older versions see no unknown fields.
    #[must_use]
    pub fn field_digests(&self) -> Vec<[u8; 4]> {
        let is_stated = |field: &AgreedField| *field == AgreedField::GrantClaim || field.enters(self);
        let end = AgreedField::ALL.iter().rposition(is_stated).map_or(0, |last| last + 1);
        AgreedField::ALL.into_iter().take(end).map(|field| field.digest(self)).collect()
    }

    /// The names of the fields in which this policy differs from another, given only the other's
    /// [`Policy::field_digests`]. The other may have fewer fields, or more than this version knows.
    #[must_use]
    pub fn differences_from(&self, digests: &[[u8; 4]]) -> Vec<&'static str> {
        let mut names = Vec::new();
        for (at, field) in AgreedField::ALL.into_iter().enumerate() {
            let differs = match digests.get(at) {
                Some(stated) => field.digest(self) != *stated,
                None => field.enters(self),
            };
            if differs {
                names.push(field.name());
            }
        }
        if digests.len() > AgreedField::ALL.len() {
            names.push(UNKNOWN_FIELD);
        }
        names
    }

    /// Hashes the names and values of these fields, after a domain.
    #[cold]
    fn hash(&self, domain: &[u8], fields: Vec<AgreedField>) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(domain);
        for field in fields {
            let values = field.values(self);
            update_text(&mut hash, field.name());
            hash.update(length(values.len()));
            values.into_iter().for_each(|value| update_text(&mut hash, value));
        }
        hash.finalize().into()
    }

    /// The fields in which two policies disagree; none if their digests are equal.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<AgreedField> {
        AgreedField::ALL.into_iter().filter(|field| field.values(self) != field.values(other)).collect()
    }
}

/// A part of a policy that gate and origin must agree on. The scope claim and rules that only accept or refuse tokens
/// are not included: they do not affect the name under which a revocation is recorded or looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgreedField {
    /// [`ClaimNames::last_logout_time`](crate::claims::ClaimNames::last_logout_time).
    LastLogoutTimeClaim,
    /// [`ClaimNames::session`](crate::claims::ClaimNames::session).
    SessionClaim,
    /// [`ClaimNames::subject`](crate::claims::ClaimNames::subject).
    SubjectClaim,
    /// [`ClaimNames::token_id`](crate::claims::ClaimNames::token_id).
    TokenIdClaim,
    /// [`ClaimNames::token_use`](crate::claims::ClaimNames::token_use).
    TokenUseClaim,
    /// [`ClaimNames::token_version`](crate::claims::ClaimNames::token_version).
    TokenVersionClaim,
    /// [`Policy::compare`].
    Compare,
    /// [`Policy::issuer`]: its names, starting with the one that determines the realm's id. For a pattern, only the
    /// pattern, because a gate may have fewer tenants than the origin.
    Issuer,
    /// [`ClaimNames::issuer`](crate::claims::ClaimNames::issuer).
    IssuerClaim,
    /// [`Policy::profile`].
    Profile,
    /// [`ClaimNames::grant`](crate::claims::ClaimNames::grant).
    GrantClaim,
    /// [`IssuerNames::subjects`](super::IssuerNames::subjects).
    SameSubjects,
    /// [`Policy::numeric_ids`].
    NumericIds,
}

impl AgreedField {
    /// All fields: the original ones in alphabetical order, later ones in order of introduction.
    pub const ALL: [Self; 13] = [
        Self::LastLogoutTimeClaim,
        Self::SessionClaim,
        Self::SubjectClaim,
        Self::TokenIdClaim,
        Self::TokenUseClaim,
        Self::TokenVersionClaim,
        Self::Compare,
        Self::Issuer,
        Self::IssuerClaim,
        Self::Profile,
        Self::GrantClaim,
        Self::SameSubjects,
        Self::NumericIds,
    ];

    /// The name of the option.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LastLogoutTimeClaim => "claimNames.lastLogoutTime",
            Self::SessionClaim => "claimNames.session",
            Self::SubjectClaim => "claimNames.subject",
            Self::TokenIdClaim => "claimNames.tokenId",
            Self::TokenUseClaim => "claimNames.tokenUse",
            Self::TokenVersionClaim => "claimNames.tokenVersion",
            Self::Compare => "compare",
            Self::Issuer => "issuer",
            Self::IssuerClaim => "issuerClaim",
            Self::Profile => "profile",
            Self::GrantClaim => "grantClaim",
            Self::SameSubjects => "sameSubjects",
            Self::NumericIds => "numericIds",
        }
    }

    /// Whether the field is included in [`Policy::digest`]: a field introduced later is included if it is not the
    /// default.
    fn enters(self, policy: &Policy) -> bool {
        match self {
            Self::LastLogoutTimeClaim
            | Self::SessionClaim
            | Self::SubjectClaim
            | Self::TokenIdClaim
            | Self::TokenUseClaim
            | Self::TokenVersionClaim
            | Self::Compare
            | Self::Issuer
            | Self::IssuerClaim
            | Self::Profile => true,
            Self::GrantClaim | Self::SameSubjects | Self::NumericIds => !self.values(policy).is_empty(),
        }
    }

    #[cold]
    fn digest(self, policy: &Policy) -> [u8; 4] {
        cut(policy.hash(&[], vec![self]))
    }

    /// The field's values in a policy, spelled as in the options; empty if the option is not set.
    fn values(self, policy: &Policy) -> Vec<&str> {
        let names = &policy.claim_names;
        let value = match self {
            Self::LastLogoutTimeClaim => names.last_logout_time.as_str(),
            Self::SessionClaim => names.session.as_str(),
            Self::SubjectClaim => names.subject.as_str(),
            Self::TokenIdClaim => names.token_id.as_str(),
            Self::TokenUseClaim => names.token_use.as_str(),
            Self::TokenVersionClaim => names.token_version.as_str(),
            Self::Compare => match policy.compare {
                Compare::IssuedAt => "issuedAt",
                Compare::AuthTime => "authTime",
            },
            Self::Issuer if policy.issuer.tenant_claim().is_none() => return policy.issuer.names().collect(),
            Self::Issuer => policy.issuer.id(),
            Self::IssuerClaim => names.issuer.as_str(),
            Self::Profile => match policy.profile {
                Profile::Rfc9068 => "rfc9068",
                Profile::Keycloak => "keycloak",
                Profile::Generic => "generic",
            },
            Self::GrantClaim => return names.grant.iter().map(String::as_str).collect(),
            Self::SameSubjects => match policy.issuer.subjects() {
                Subjects::ByName => return Vec::new(),
                Subjects::Same => "true",
            },
            Self::NumericIds => match policy.numeric_ids {
                NumericIds::Refuse => return Vec::new(),
                NumericIds::Accept => "accept",
            },
        };
        vec![value]
    }
}

/// A digest of a policy. Displays as the version, a colon and 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyDigest([u8; 16]);

impl PolicyDigest {
    /// The 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for PolicyDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{DIGEST_VERSION}:")?;
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for PolicyDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PolicyDigest({self})")
    }
}

/// Truncates a hash.
fn cut<const N: usize>(hash: [u8; 32]) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    bytes
}

fn update_text(hash: &mut Sha256, text: &str) {
    hash.update(length(text.len()));
    hash.update(text);
}

/// Encodes a length. Options are far shorter than 4 GiB.
fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}
