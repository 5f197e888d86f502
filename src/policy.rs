//! A realm's demands on its tokens.

mod agreement;
mod issuer_names;

pub use self::agreement::{AgreedField, PolicyDigest, DIGEST_VERSION};
pub use self::issuer_names::{IssuerNames, Subjects};
pub use crate::claims::NumericIds;

use crate::claims::ClaimNames;
use crate::keys::RsaDefault;
use crate::signature::Algorithms;
use crate::time::Seconds;
use crate::token::MAX_TOKEN_BYTES;

/// A realm's demands on a token. Bounds on its lifetime and on clocks belong to the revocation state
/// ([`Bounds`](crate::revocation::Bounds)), for origin and edge must agree on them.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The issuer: the claim of that name ([`ClaimNames::issuer`]) must be exactly one of its names.
    pub issuer: IssuerNames,
    /// Who the token must be meant for.
    pub audience: Audience,
    /// Whose the token must be where it has no audience. Default: nobody's; such tokens are refused, unless no audience
    /// is checked.
    pub authorized_party: Option<AuthorizedParty>,
    /// Which kind of token; profiles exclude each other (RFC 8725 §3.12).
    pub profile: Profile,
    /// Accepted `alg` values. Default: every asymmetric one. HMAC must be listed, since every verifier could sign.
    pub algorithms: Algorithms,
    /// The algorithm of an RSA JWK without `alg`. Default: RS256.
    pub rsa_default: RsaDefault,
    /// Claims that must be there. Default: those of the profile.
    pub required: RequiredClaims,
    /// How a token without a user is treated. Default: refused, as no user's logout could reach it.
    pub subjectless: Subjectless,
    /// How a token that names an actor other than the user is treated. Default: accepted, as the user's own.
    pub impersonation: Impersonation,
    /// The time that not-befores are compared with. Default: `iat`, which every token has.
    pub compare: Compare,
    /// The names of the claims.
    pub claim_names: ClaimNames,
    /// How ids are treated that are written as numbers. Default: refused.
    pub numeric_ids: NumericIds,
    /// A longer token is not read. Default: [`MAX_TOKEN_BYTES`].
    pub max_token_bytes: usize,
    /// Whether revocations are checked at all. Default: by the feed.
    pub revocation: RevocationCheck,
    /// How old the revocation state may be.
    pub staleness: Staleness,
    /// How tokens are treated when the origin records by another policy. Default: refused, for revocations would be
    /// lost.
    pub when_differing: WhenDiffering,
}

impl Policy {
    /// A policy with every default.
    #[must_use]
    pub fn new(issuer: impl Into<IssuerNames>, audience: Audience, profile: Profile) -> Self {
        Self {
            issuer: issuer.into(),
            audience,
            authorized_party: None,
            profile,
            algorithms: Algorithms::ASYMMETRIC,
            rsa_default: RsaDefault::default(),
            required: RequiredClaims::default(),
            subjectless: Subjectless::default(),
            impersonation: Impersonation::default(),
            compare: Compare::default(),
            claim_names: ClaimNames::default(),
            numeric_ids: NumericIds::default(),
            max_token_bytes: MAX_TOKEN_BYTES,
            revocation: RevocationCheck::default(),
            staleness: Staleness::default(),
            when_differing: WhenDiffering::default(),
        }
    }
}

/// Who a token must be meant for (`aud`, RFC 7519 §4.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// At least one of these must be among the token's audiences. An absent `aud` contains none of them.
    AnyOf(Vec<String>),
    /// `aud` is not checked: for issuers whose tokens have none.
    NotChecked,
}

/// Whose a token must be (`azp`, `client_id`) that has no `aud`; with [`Audience::NotChecked`], every token. It must
/// also show that it is an access token, as an audience would: ID tokens name their client in `azp` as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizedParty {
    /// One of them must be named, and no other.
    pub any_of: Vec<String>,
    /// A claim that only access tokens of this issuer have. The other signs: header `typ` `at+jwt`,
    /// [`ClaimNames::token_use`] `access`, the claim `typ` `Bearer`, a scope in [`ClaimNames::scope`].
    pub access_token_claim: Option<String>,
}

/// Which kind of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// RFC 9068: header `typ` is `at+jwt`; `sub`, `client_id`, `aud` and `jti` are required in any case.
    Rfc9068,
    /// Keycloak's access tokens: header `typ` is `JWT` or `at+jwt`, the claim `typ` is `Bearer`.
    Keycloak,
    /// Any other: header `typ` is absent, `JWT` or `at+jwt`; a claim `typ`, if there is one, names an access token.
    Generic,
}

/// Claims that must be there. `exp` and `iat` always must: without them nothing can be forgotten safely.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RequiredClaims {
    /// The user and the token id, by the names the policy gives them: the two by which tokens are revoked.
    #[default]
    ByProfile,
    /// These, by the names they have in the token. `sub` falls out where [`Subjectless::Accept`] says so.
    These(Vec<String>),
}

/// How a token without a user is treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subjectless {
    /// `missing_claim`.
    #[default]
    Refuse,
    /// Accepted, except under [`Profile::Rfc9068`]: Keycloak's client scope `basic`, which carries `sub`, can be taken
    /// off a client.
    Accept,
}

/// How a token is treated whose `act` claim (RFC 8693 §4.1) names an actor other than the user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Impersonation {
    /// Accepted as the user's own. The claim stays in it, for the caller to look at.
    #[default]
    Accept,
    /// `wrong_type`.
    Refuse,
}

/// The time that not-befores are compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compare {
    /// `iat`: a token got by refresh after the logout passes, so the issuer must end the session too.
    #[default]
    IssuedAt,
    /// `auth_time`: tokens that go back to an old login are refused however often they are refreshed. A token without
    /// it is `missing_claim`.
    AuthTime,
}

/// Whether revocations are checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RevocationCheck {
    /// By the state that the realm's feed brings.
    #[default]
    ByFeed,
    /// Not at all: there is no origin yet. Every check before that of the feed is the same.
    Unchecked,
}

/// How old the revocation state may be, counted from when the origin last stated it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Staleness {
    /// Up to this age it is used without question. Default: 60 s.
    pub max_stale: Seconds,
    /// How tokens are treated beyond. Default: refuse, for a revocation may have been missed.
    pub when_stale: WhenStale,
    /// The age at which even [`WhenStale::Accept`] ends. Default: 3600 s.
    pub max_accept_stale: Seconds,
}

impl Default for Staleness {
    fn default() -> Self {
        Self { max_stale: Seconds::new(60), when_stale: WhenStale::default(), max_accept_stale: Seconds::new(3600) }
    }
}

/// How tokens are treated when the revocation state is too old.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenStale {
    /// `stale_feed`.
    #[default]
    Refuse,
    /// Accepted by the state there is, up to [`Staleness::max_accept_stale`].
    Accept,
}

/// How tokens are treated when the origin records by a policy that differs in an [`AgreedField`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenDiffering {
    /// `no_feed`.
    #[default]
    Refuse,
    /// Judged by this policy all the same: for the time in which one of both is changed.
    Accept,
}
