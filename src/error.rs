//! Errors, one enum per operation; the variants carry values. A refused token is not an error but a
//! [`Verdict`](crate::verdict::Verdict).

use thiserror::Error;

/// Why a feed message or a section was refused. The state that was there before keeps serving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FeedError {
    /// The message is longer than the limit for its kind.
    #[error("{length} bytes, more than the limit of {limit}")]
    TooLong {
        /// Bytes received.
        length: usize,
        /// Maximum length in bytes.
        limit: usize,
    },
    /// The bytes end before the message does.
    #[error("the data is truncated")]
    Truncated,
    /// Neither a manifest nor a delta, according to the first four bytes.
    #[error("not a feed message")]
    UnknownKind,
    /// A later major version of the format, which this build cannot read safely.
    #[error("format version {major} is newer than this build: upgrade portcullis here first")]
    UnsupportedVersion {
        /// The message's major version.
        major: u8,
    },
    /// The message belongs to another realm.
    #[error("the message is for another realm: check that this is the issuer's feed")]
    WrongRealm,
    /// Signed with a key that is not pinned here.
    #[error("signed with a key that is not configured: add the origin's public feed key here")]
    UnknownKey,
    /// The signature is wrong.
    #[error("bad signature: the message was modified in transit or forged")]
    BadSignature,
    /// The statement was valid until `not_after`, which has passed.
    #[error("expired at {not_after}, now is {now}: look for a cache that delays it, or for clocks that differ")]
    Expired {
        /// The last unix second at which it was valid.
        not_after: u64,
        /// The time of the attempt.
        now: u64,
    },
    /// The statement was issued later than now, beyond the allowed skew.
    #[error("issued at {issued_at}, but now is {now}: synchronize the clocks of origin and edge")]
    FromFuture {
        /// The issue time in the statement.
        issued_at: u64,
        /// The time of the attempt.
        now: u64,
    },
    /// A manifest older than the current state, or than a manifest that is already being loaded.
    #[error("sequence {sequence} is older than {known}")]
    Older {
        /// Sequence of the manifest.
        sequence: u64,
        /// Sequence of the current state.
        known: u64,
    },
    /// The delta starts after the known sequence, so changes in between are missing; pull the manifest. A state that
    /// was never loaded counts as sequence 0.
    #[error("starts at sequence {from}, but the state ends at {known}")]
    Gap {
        /// Sequence at which the delta starts.
        from: u64,
        /// Sequence of the current state.
        known: u64,
    },
    /// Two different histories were signed for the same sequence. This deserves an alarm.
    #[error("sequence {sequence} was signed with two histories: do two origins use the same key?")]
    Equivocation {
        /// The sequence that has two chain hashes.
        sequence: u64,
    },
    /// A field breaks the format or is not in its one canonical form.
    #[error("malformed {part}")]
    Malformed {
        /// The part of the message.
        part: &'static str,
    },
    /// A block that is marked critical has a kind unknown to this build.
    #[error("unknown critical block {kind}: upgrade portcullis here first")]
    UnknownCriticalBlock {
        /// The number of the block's kind.
        kind: u16,
    },
    /// Fingerprints use an unknown hash key; pull the manifest.
    #[error("unknown hash key generation {generation}")]
    UnknownGeneration {
        /// Number of the generation.
        generation: u32,
    },
    /// A known generation was declared again with a different hash key.
    #[error("generation {generation} was declared with two keys")]
    GenerationConflict {
        /// Number of the generation.
        generation: u32,
    },
    /// More hash keys than may be in use at once, for example after many restarts of the origin; pull the manifest.
    #[error("more than {limit} hash keys since the manifest")]
    TooManyGenerations {
        /// Maximum number of hash keys in use.
        limit: usize,
    },
    /// More changes than may be held outside the sections; pull the manifest.
    #[error("more than {limit} changes since the manifest")]
    TooManyChanges {
        /// Maximum number of changes held.
        limit: usize,
    },
    /// The bytes are not a missing section: no missing section has this SHA-256.
    #[error("not one of the missing sections")]
    UnknownSection,
}

impl FeedError {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "too_long",
            Self::Truncated => "truncated",
            Self::UnknownKind => "unknown_kind",
            Self::UnsupportedVersion { .. } => "unsupported_version",
            Self::WrongRealm => "wrong_realm",
            Self::UnknownKey => "unknown_key",
            Self::BadSignature => "bad_signature",
            Self::Expired { .. } => "expired",
            Self::FromFuture { .. } => "from_future",
            Self::Older { .. } => "older",
            Self::Gap { .. } => "gap",
            Self::Equivocation { .. } => "equivocation",
            Self::Malformed { .. } => "malformed",
            Self::UnknownCriticalBlock { .. } => "unknown_critical_block",
            Self::UnknownGeneration { .. } => "unknown_generation",
            Self::GenerationConflict { .. } => "generation_conflict",
            Self::TooManyGenerations { .. } => "too_many_generations",
            Self::TooManyChanges { .. } => "too_many_changes",
            Self::UnknownSection => "unknown_section",
        }
    }
}

/// The reason that bytes or a JWK are not a valid feed key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FeedKeyError {
    /// Not a JSON object with the members of a JWK, or a member is badly encoded.
    #[error("not a JWK")]
    NotAJwk,
    /// Another key type or curve; the feed is signed with Ed25519 (RFC 8037).
    #[error("the feed key must be OKP with curve Ed25519")]
    NotEd25519,
    /// A private key instead of a public one.
    #[error("an edge must not have a private key")]
    Private,
    /// The 32 bytes are not a usable point on the curve, or the private and public half do not match.
    #[error("the key is not usable")]
    Unusable,
}

impl FeedKeyError {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAJwk => "not_a_jwk",
            Self::NotEd25519 => "not_ed25519",
            Self::Private => "private_key",
            Self::Unusable => "unusable_key",
        }
    }
}

/// The reason that the ledger refused an event, a row or a setting. Nothing was recorded.
#[cfg(feature = "origin")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// A setting is out of range.
    #[error("setting out of range: {setting}")]
    Setting {
        /// The setting's name.
        setting: &'static str,
    },
    /// The host returned no random bytes.
    #[error("the host returned no random bytes")]
    NoEntropy,
    /// A corrected not-before that is further in the future than the allowed skew, usually milliseconds given as
    /// seconds. Other events with such a time are recorded with the origin's time instead.
    #[error("not-before {not_before} is after {latest}")]
    NotBeforeInFuture {
        /// The given time.
        not_before: u64,
        /// The latest one allowed.
        latest: u64,
    },
    /// A name (token id, subject, session, client) is empty.
    #[error("empty name")]
    EmptyName,
    /// A name is longer than the limit.
    #[error("name of {length} bytes, more than the limit of {limit}")]
    NameTooLong {
        /// Its length in bytes.
        length: usize,
        /// Maximum length in bytes.
        limit: usize,
    },
    /// An issuer name was given for an event that does not depend on it: one about a client, the realm or a key.
    #[error("an event about a client, a key or the realm takes no issuer name")]
    SameUnderAllNames,
    /// The bytes are not a valid JWKS, or one too long for a feed.
    #[error("not a valid JWKS, or too long for a feed")]
    NotAJwks,
    /// A key of the JWKS has private members or is a shared key; the contents of a feed are public.
    #[error("a feed must not contain a private or shared key")]
    PrivateKey,
    /// More sections, clients, keys or banned keys than fit into a manifest.
    #[error("more than {limit} fit into a manifest")]
    TooMany {
        /// Maximum number.
        limit: usize,
    },
    /// All sequence numbers of this incarnation are used up.
    #[error("no sequence numbers left")]
    SequenceExhausted,
    /// A row that is not an event in canonical form.
    #[error("row {sequence} cannot be read")]
    UnreadableRow {
        /// The row's sequence.
        sequence: u64,
    },
    /// A page whose columns differ in their number of rows.
    #[error("a page of {rows} rows cannot be read")]
    UnreadablePage {
        /// The number of rows according to the page.
        rows: usize,
    },
    /// A row's chain hash does not follow from the previous row.
    #[error("the chain is broken at row {sequence}")]
    BrokenChain {
        /// The row's sequence.
        sequence: u64,
    },
    /// Rows must be restored in order, before anything is staged.
    #[error("row {sequence} comes after row {last}: rows must be in order")]
    OutOfOrder {
        /// The given sequence.
        sequence: u64,
        /// The last sequence restored.
        last: u64,
    },
    /// The sequence belongs to a later incarnation than the one this ledger was opened with.
    #[error("sequence {sequence} belongs to a later incarnation")]
    LaterIncarnation {
        /// The given sequence.
        sequence: u64,
    },
    /// The state is too large for a manifest.
    #[error("a manifest of {length} bytes, more than the limit of {limit}")]
    ManifestTooLong {
        /// Bytes needed.
        length: usize,
        /// Maximum length in bytes.
        limit: usize,
    },
}

#[cfg(feature = "origin")]
impl LedgerError {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Setting { .. } => "setting",
            Self::NoEntropy => "no_entropy",
            Self::NotBeforeInFuture { .. } => "not_before_in_future",
            Self::EmptyName => "empty_name",
            Self::NameTooLong { .. } => "name_too_long",
            Self::SameUnderAllNames => "same_under_all_names",
            Self::NotAJwks => "not_a_jwks",
            Self::PrivateKey => "private_key",
            Self::TooMany { .. } => "too_many",
            Self::SequenceExhausted => "sequence_exhausted",
            Self::UnreadableRow { .. } => "unreadable_row",
            Self::UnreadablePage { .. } => "unreadable_page",
            Self::BrokenChain { .. } => "broken_chain",
            Self::OutOfOrder { .. } => "out_of_order",
            Self::LaterIncarnation { .. } => "later_incarnation",
            Self::ManifestTooLong { .. } => "manifest_too_long",
        }
    }
}

/// The reason that there is no delta from a sequence.
#[cfg(feature = "origin")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DeltaUnavailable {
    /// The log no longer has all changes since then, or one of them took a revocation back: pull the manifest.
    #[error("changes before sequence {earliest} are no longer kept")]
    Pruned {
        /// The earliest sequence at which a delta may start.
        earliest: u64,
    },
    /// The sequence is beyond the ledger's head: the reader has seen a different history.
    #[error("sequence {sequence} is beyond the head {head}")]
    Ahead {
        /// The requested sequence.
        sequence: u64,
        /// The ledger's head.
        head: u64,
    },
}

#[cfg(feature = "origin")]
impl DeltaUnavailable {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Pruned { .. } => "pruned",
            Self::Ahead { .. } => "ahead",
        }
    }
}
