//! JWT validation with instant revocation at the edge.
//!
//! Three data paths, in the order the data travels:
//!
//! ```text
//! edge    token -> realm -> key -> signature -> claims -> revocation status -> Verdict
//! feed    manifest or delta bytes -> signature, sequence, freshness -> state applied all or nothing
//! origin  event -> ledger -> manifest + sections | delta
//! ```
//!
//! A refused token is a [`Verdict`](verdict::Verdict), a value. An invalid manifest, key or option is an error. Nothing
//! here reads a clock: the time is an argument.
//!
//! # From an event to a refusal
//!
//! ```
//! # #[cfg(feature = "origin")] {
//! use portcullis::ledger::{key::SigningKey, Event, Ledger, LedgerSettings, NotBefore};
//! use portcullis::revocation::{Bounds, FeedKey, Form, RealmId, Revocations};
//! use portcullis::time::{Seconds, UnixSeconds};
//!
//! let now = UnixSeconds::new(1_800_000_000);
//! let signing_key = SigningKey::generate()?;
//! let feed_key = FeedKey::from_jwk(signing_key.public_jwk().as_bytes())?;
//! let issuer = "https://issuer.example/realms/acme";
//!
//! // The origin records that a user was logged out everywhere; the caller stores the row.
//! let mut ledger = Ledger::new(LedgerSettings {
//!     issuer: issuer.into(),
//!     signing_key,
//!     bounds: Bounds::default(),
//!     issuer_skew: Seconds::new(2),
//!     source_skew: Seconds::new(0),
//!     error_rate: 1e-6,
//!     valid_for: Seconds::new(300),
//!     policy: None,
//!     incarnation: 0,
//! })?;
//! let mut edge = Revocations::new(RealmId::of(issuer), vec![feed_key], Bounds::default());
//! edge.apply(&ledger.manifest(Form::NEWEST, now)?, now)?;
//! let row = ledger.stage(&Event::User { sub: "alice".into(), not_before: NotBefore::Now }, now)?;
//! assert!(row.is_some());
//! ledger.commit();
//!
//! // The edge applies the signed delta.
//! edge.apply(&ledger.delta(Form::NEWEST, 0, now)?.bytes, now)?;
//! assert_eq!(edge.position().map(|position| position.sequence), Some(1));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// Path 1: from a token to a verdict.
pub mod gate;
pub mod verdict;

pub mod policy;

pub mod token;

pub mod keys;
pub mod signature;

pub mod claims;
pub mod name;

mod base64url;
mod ed25519;
mod json;

// Path 2: an edge's copy of a ledger's revocations.
pub mod revocation;

// Path 3: from events to a signed state.
#[cfg(feature = "origin")]
pub mod ledger;

pub mod error;
pub mod time;

#[cfg(feature = "wasm")]
mod wasm;
