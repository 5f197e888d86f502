//! The policy fields on which gate and origin must agree. Where they differ, a revocation is recorded under one name
//! and looked up under another, and is lost without an error.

use core::fmt;

use sha2::{Digest, Sha256};

use super::{Compare, NumericIds, Policy, Profile, Subjects};

/// The version of the canonical form that [`Policy::digest`] hashes. A field that was introduced later enters it only
/// where its value is not the default, so policies that the first ones can express keep their digest, and the version
/// stays.
pub const DIGEST_VERSION: u8 = 1;

/// Separates this hash from all others.
const DOMAIN: &[u8] = b"portcullis/policy/v1\0";

/// Stands for the fields that a later version has added.
const UNKNOWN_FIELD: &str = "an option of a later version";

impl Policy {
    /// The digest of everything that gate and origin must agree on ([`AgreedField`]), every default filled in.
    ///
    /// It is the first 16 bytes of SHA-256 over `"portcullis/policy/v1\0"` and, for each field in the order of
    /// [`AgreedField::ALL`], its name, the number of its values, and the values. Names and values are UTF-8 after their
    /// length in bytes; numbers have 32 bits, little-endian.
    #[must_use]
    pub fn digest(&self) -> PolicyDigest {
        PolicyDigest(cut(self.hash(DOMAIN, AgreedField::ALL.into_iter().filter(|field| field.enters(self)).collect())))
    }

    /// A short digest of each field, in the order of [`AgreedField::ALL`]: the first 4 bytes of SHA-256 over its part
    /// of [`Policy::digest`], as if it were not the default. The fields after [`AgreedField::GrantClaim`] end with the
    /// last that is not the default, so that older versions read no field that they do not know.
    #[must_use]
    pub fn field_digests(&self) -> Vec<[u8; 4]> {
        let is_stated = |field: &AgreedField| *field == AgreedField::GrantClaim || field.enters(self);
        let end = AgreedField::ALL.iter().rposition(is_stated).map_or(0, |last| last + 1);
        AgreedField::ALL.into_iter().take(end).map(|field| field.digest(self)).collect()
    }

    /// The names of the fields in which this policy differs from another that is known by its [`Policy::field_digests`]
    /// alone. That one may have fewer fields, or more than this version knows.
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

    /// The fields in which two policies do not agree; none if their digests are equal.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<AgreedField> {
        AgreedField::ALL.into_iter().filter(|field| field.values(self) != field.values(other)).collect()
    }
}

/// A part of a policy that gate and origin must agree on. The scope claim is not one, nor is what is merely refused or
/// accepted: no revocation is recorded or looked up by them.
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
    /// [`Policy::issuer`]: its names, the one that makes the realm's id first; of a pattern that alone, for a gate may
    /// have fewer tenants than the origin.
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
    /// All of them: the first ones in the order of their names, later ones in that of their introduction.
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

    /// The name of its option.
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

    /// Whether it enters the digest of the whole: a field that was introduced later does if it is not the default.
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

    /// Its values in a policy, spelled as in the options; empty if the option is not set.
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

/// A digest of a policy. Its text is the version, a colon and 32 hexadecimal digits.
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

/// The first bytes of a hash.
fn cut<const N: usize>(hash: [u8; 32]) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    bytes
}

fn update_text(hash: &mut Sha256, text: &str) {
    hash.update(length(text.len()));
    hash.update(text);
}

/// Options are far shorter than 4 GiB.
fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}
