//! Errors: one enum for each operation, whose variants carry values. A refused token is no error but a
//! [`Verdict`](crate::verdict::Verdict).

use thiserror::Error;

/// Why a feed message or a section was refused. The state that was there before keeps serving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FeedError {
    /// The message is longer than its kind may be.
    #[error("{length} bytes, more than the limit of {limit}")]
    TooLong {
        /// Bytes received.
        length: usize,
        /// Most bytes allowed.
        limit: usize,
    },
    /// The bytes end before the message does.
    #[error("the bytes end too early")]
    Truncated,
    /// Neither manifest nor delta: the first four bytes are something else.
    #[error("not a feed message")]
    UnknownKind,
    /// A later major version of the format, which this build cannot read safely.
    #[error("format version {major} is newer than this build: upgrade portcullis here first")]
    UnsupportedVersion {
        /// Major version named by the message.
        major: u8,
    },
    /// The message belongs to another realm.
    #[error("message of another realm: does the feed belong to this issuer?")]
    WrongRealm,
    /// Signed under a key that is not pinned here.
    #[error("signed by a key that is not configured: add the origin's public feed key here")]
    UnknownKey,
    /// The signature does not fit.
    #[error("bad signature: the bytes were changed on the way, or are forged")]
    BadSignature,
    /// The statement was good until `not_after`, which has passed.
    #[error("expired at {not_after}, it is {now}: does a cache hold it back, or do the clocks differ?")]
    Expired {
        /// Last second, unix, at which it counted.
        not_after: u64,
        /// The time of the attempt.
        now: u64,
    },
    /// The statement was issued later than now, beyond the allowed skew.
    #[error("issued at {issued_at}, it is only {now}: set the clocks of origin and edge")]
    FromFuture {
        /// When it says that it was issued.
        issued_at: u64,
        /// The time of the attempt.
        now: u64,
    },
    /// A manifest from before the state held (or before one already being loaded).
    #[error("sequence {sequence} is older than {known}")]
    Older {
        /// Sequence of the manifest.
        sequence: u64,
        /// Sequence already known.
        known: u64,
    },
    /// The delta starts after the known sequence, so changes in between are missing; pull the manifest. A state that
    /// was never loaded counts as sequence 0.
    #[error("starts at sequence {from}, only {known} is known")]
    Gap {
        /// Where the delta starts.
        from: u64,
        /// Sequence already known.
        known: u64,
    },
    /// Two different histories have been signed for one sequence. Worth an alarm.
    #[error("another history was signed for sequence {sequence}: do two origins sign with one key?")]
    Equivocation {
        /// The sequence with two chain hashes.
        sequence: u64,
    },
    /// A field breaks the format or is not in its one canonical form.
    #[error("malformed {part}")]
    Malformed {
        /// Which part of the message.
        part: &'static str,
    },
    /// A block of a kind unknown to this build is marked as one that must be understood.
    #[error("unknown critical block {kind}: upgrade portcullis here first")]
    UnknownCriticalBlock {
        /// Number of the block kind.
        kind: u16,
    },
    /// Fingerprints under a hash key that is not known; pull the manifest.
    #[error("unknown hash key generation {generation}")]
    UnknownGeneration {
        /// Number of the generation.
        generation: u32,
    },
    /// A known generation was declared again with another hash key.
    #[error("generation {generation} declared with two keys")]
    GenerationConflict {
        /// Number of the generation.
        generation: u32,
    },
    /// More hash keys than may be in use at once, as after many restarts of the origin; pull the manifest.
    #[error("more than {limit} hash keys since the manifest")]
    TooManyGenerations {
        /// Most hash keys in use.
        limit: usize,
    },
    /// More changes than may be held over the sections; pull the manifest.
    #[error("more than {limit} changes since the manifest")]
    TooManyChanges {
        /// Most changes held.
        limit: usize,
    },
    /// The bytes are not a missing section: no missing one has their SHA-256.
    #[error("no such section is missing")]
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

/// Why bytes or a JWK are no feed key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FeedKeyError {
    /// Not a JSON object with the members of a JWK, or a member is spelt wrongly.
    #[error("not a JWK")]
    NotAJwk,
    /// Another key type or curve; the feed is signed with Ed25519 (RFC 8037).
    #[error("the feed key must be OKP with curve Ed25519")]
    NotEd25519,
    /// A private key where a public one belongs.
    #[error("a private key does not belong at an edge")]
    Private,
    /// The 32 bytes are no usable point on the curve, or the two halves do not belong together.
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

/// Why the ledger refused an event, a row or a setting. Nothing was recorded.
#[cfg(feature = "origin")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// A setting is out of range.
    #[error("setting out of range: {setting}")]
    Setting {
        /// Its name.
        setting: &'static str,
    },
    /// The host gave no random bytes.
    #[error("no random bytes from the host")]
    NoEntropy,
    /// A corrected not-before in the future beyond the allowed skew; milliseconds taken for seconds, as a rule. Other
    /// events with such a time are recorded at the origin's.
    #[error("not-before {not_before} is after {latest}")]
    NotBeforeInFuture {
        /// The time given.
        not_before: u64,
        /// The latest one allowed.
        latest: u64,
    },
    /// A name (token id, subject, session, client) is empty.
    #[error("empty name")]
    EmptyName,
    /// A name is longer than names may be.
    #[error("name of {length} bytes, more than the limit of {limit}")]
    NameTooLong {
        /// Bytes given.
        length: usize,
        /// Most bytes allowed.
        limit: usize,
    },
    /// One of the issuer's names is given for an event that is the same under all of them: a client, the realm, a key.
    #[error("the event is the same under all names of the issuer")]
    SameUnderAllNames,
    /// The bytes are no JWKS, or one longer than a feed may carry.
    #[error("not a JWKS that a feed can carry")]
    NotAJwks,
    /// A key of the JWKS has private members or is a shared one; the contents of a feed are public.
    #[error("a private or shared key does not belong in a feed")]
    PrivateKey,
    /// More clients or banned keys than a manifest can carry.
    #[error("more than {limit} of them")]
    TooMany {
        /// Most allowed.
        limit: usize,
    },
    /// All sequence numbers of this incarnation are used up.
    #[error("no sequence numbers left")]
    SequenceExhausted,
    /// A row that is not the canonical form of an event.
    #[error("row {sequence} cannot be read")]
    UnreadableRow {
        /// Its sequence.
        sequence: u64,
    },
    /// A page of rows whose parts are not of as many rows.
    #[error("a page of {rows} rows cannot be read")]
    UnreadablePage {
        /// Rows it says it has.
        rows: usize,
    },
    /// A row's chain hash does not follow from the row before.
    #[error("the chain is broken at row {sequence}")]
    BrokenChain {
        /// Its sequence.
        sequence: u64,
    },
    /// Rows must be restored in order, before anything is staged.
    #[error("row {sequence} after {last}")]
    OutOfOrder {
        /// The sequence given.
        sequence: u64,
        /// The greatest one restored.
        last: u64,
    },
    /// The sequence belongs to a later incarnation than the one this ledger was opened with.
    #[error("sequence {sequence} is of a later incarnation")]
    LaterIncarnation {
        /// The sequence given.
        sequence: u64,
    },
    /// The state does not fit into a manifest.
    #[error("{length} bytes of manifest, more than the limit of {limit}")]
    ManifestTooLong {
        /// Bytes needed.
        length: usize,
        /// Most bytes allowed.
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

/// Why there is no delta from a sequence.
#[cfg(feature = "origin")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DeltaUnavailable {
    /// The changes since then are no longer kept one by one, or some of them took something back: pull the manifest.
    #[error("changes before sequence {earliest} are no longer kept")]
    Pruned {
        /// Deltas may start here.
        earliest: u64,
    },
    /// The sequence is beyond the ledger's head: its holder has seen another history.
    #[error("sequence {sequence} is beyond the head {head}")]
    Ahead {
        /// The sequence asked for.
        sequence: u64,
        /// The ledger's.
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
