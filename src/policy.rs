//! A realm's requirements for tokens.

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

/// A realm's requirements for a token. Bounds on lifetimes and clocks belong to the revocation state
/// ([`Bounds`](crate::revocation::Bounds)), because origin and edge must agree on them.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The issuer: the claim [`ClaimNames::issuer`] must be exactly one of its names.
    pub issuer: IssuerNames,
    /// The required audience.
    pub audience: Audience,
    /// The required client of a token without an audience. Default: none; such tokens are refused, unless no audience
    /// is checked.
    pub authorized_party: Option<AuthorizedParty>,
    /// The kind of token; profiles are mutually exclusive (RFC 8725 §3.12).
    pub profile: Profile,
    /// Accepted `alg` values. Default: all asymmetric algorithms. HMAC must be listed explicitly, since every verifier
    /// can sign.
    pub algorithms: Algorithms,
    /// The algorithm of an RSA JWK without `alg`. Default: RS256.
    pub rsa_default: RsaDefault,
    /// Claims that must be present. Default: those of the profile.
    pub required: RequiredClaims,
    /// Treatment of a token without a user. Default: refused, because no user's logout could reach it.
    pub subjectless: Subjectless,
    /// Treatment of a token that names an actor other than the user. Default: accepted as the user's own.
    pub impersonation: Impersonation,
    /// The time that not-befores are compared with. Default: `iat`, which every token has.
    pub compare: Compare,
    /// The claim names.
    pub claim_names: ClaimNames,
    /// Treatment of ids that are JSON numbers. Default: refused.
    pub numeric_ids: NumericIds,
    /// Maximum length of a token; a longer one is not parsed. Default: [`MAX_TOKEN_BYTES`].
    pub max_token_bytes: usize,
    /// Whether revocation is checked. Default: by the feed.
    pub revocation: RevocationCheck,
    /// The maximum age of the revocation state.
    pub staleness: Staleness,
    /// Treatment of tokens when the origin records with a different policy. Default: refused, because revocations would
    /// be lost.
    pub when_differing: WhenDiffering,
}

impl Policy {
    /// Creates a policy with the defaults.
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

/// The required audience (`aud`, RFC 7519 §4.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// At least one of these must be among the token's audiences. An absent `aud` contains none of them.
    AnyOf(Vec<String>),
    /// `aud` is not checked: for issuers whose tokens have no `aud`.
    NotChecked,
}

/// The required client (`azp`, `client_id`) of a token without `aud`; with [`Audience::NotChecked`], of every token.
/// The token must also have a mark of an access token, since there is no audience to show it: ID tokens name their
/// client in `azp` as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizedParty {
    /// The token must name one of these clients, and no other.
    pub any_of: Vec<String>,
    /// A claim that only access tokens of this issuer have. The other marks: header `typ` `at+jwt`,
    /// [`ClaimNames::token_use`] `access`, the claim `typ` `Bearer`, a scope in [`ClaimNames::scope`].
    pub access_token_claim: Option<String>,
}

/// The kind of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// RFC 9068: header `typ` is `at+jwt`; `sub`, `client_id`, `aud` and `jti` are always required.
    Rfc9068,
    /// Keycloak's access tokens: header `typ` is `JWT` or `at+jwt`, the claim `typ` is `Bearer`.
    Keycloak,
    /// Any other issuer: header `typ` is absent, `JWT` or `at+jwt`; a claim `typ`, if present, names an access token.
    Generic,
}

/// Claims that must be present. `exp` and `iat` are always required: without them, no revocation can be dropped safely.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RequiredClaims {
    /// The user and the token id, the two names by which tokens are revoked, under the policy's claim names.
    #[default]
    ByProfile,
    /// These claims, by their names in the token. `sub` is dropped from the list with [`Subjectless::Accept`].
    These(Vec<String>),
}

/// Treatment of a token without a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subjectless {
    /// Refused as `missing_claim`.
    #[default]
    Refuse,
    /// Accepted, except with [`Profile::Rfc9068`]: Keycloak's client scope `basic`, which adds `sub`, can be removed
    /// from a client.
    Accept,
}

/// Treatment of a token whose `act` claim (RFC 8693 §4.1) names an actor other than the user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Impersonation {
    /// Accepted as the user's own. The caller can inspect the claim.
    #[default]
    Accept,
    /// Refused as `wrong_type`.
    Refuse,
}

/// The time that not-befores are compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compare {
    /// `iat`: a token refreshed after the logout is accepted, so the issuer must end the session too.
    #[default]
    IssuedAt,
    /// `auth_time`: tokens that originate in an old login are refused no matter how often they are refreshed. A token
    /// without it is refused as `missing_claim`.
    AuthTime,
}

/// Whether revocation is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RevocationCheck {
    /// Checked against the state from the realm's feed.
    #[default]
    ByFeed,
    /// Not checked: there is no origin yet. All earlier checks are the same.
    Unchecked,
}

/// The maximum age of the revocation state, counted from the origin's last statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Staleness {
    /// Up to this age the state counts as fresh. Default: 60 s.
    pub max_stale: Seconds,
    /// Treatment of tokens beyond that age. Default: refuse, because a revocation may have been missed.
    pub when_stale: WhenStale,
    /// The age beyond which [`WhenStale::Accept`] refuses too. Default: 3600 s.
    pub max_accept_stale: Seconds,
}

impl Default for Staleness {
    fn default() -> Self {
        Self { max_stale: Seconds::new(60), when_stale: WhenStale::default(), max_accept_stale: Seconds::new(3600) }
    }
}

/// Treatment of tokens when the revocation state is too old.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenStale {
    /// Refused as `stale_feed`.
    #[default]
    Refuse,
    /// Judged by the old state, up to [`Staleness::max_accept_stale`].
    Accept,
}

/// Treatment of tokens when the origin records with a policy that differs in an [`AgreedField`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenDiffering {
    /// Refused as `no_feed`.
    #[default]
    Refuse,
    /// Judged by this policy nevertheless, while one of the two is being changed.
    Accept,
}
