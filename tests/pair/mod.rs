//! An origin and its edges for tests of the feed: one issuer, one signing key, a start time.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::OnceLock;

use portcullis::error::FeedError;
use portcullis::ledger::key::SigningKey;
use portcullis::ledger::{Event, Ledger, LedgerSettings, NotBefore, Row};
use portcullis::revocation::{
    Applied, Bounds, Effect, FeedKey, Form, GrantNames, Level, RealmId, Revocations, Status, Subject,
};
use portcullis::time::{Seconds, UnixSeconds};

pub const ISSUER: &str = "https://issuer.example/realms/acme";
/// 2024-01-15T08:00:00Z, an arbitrary position within a bucket.
pub const NOW: u64 = 1_705_305_600;

/// Maximum lifetime of a token, and the total margin for clocks, with the default bounds.
pub const LIFETIME: u64 = 86_400;
pub const MARGIN: u64 = 10;

/// RFC 8037 appendix A.1.
pub const SIGNING_JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

/// The form that edges read in tests that are not about forms.
pub const FORM: Form = Form::NEWEST;

pub fn at(seconds: u64) -> UnixSeconds {
    UnixSeconds::new(seconds)
}

pub fn signing_key() -> SigningKey {
    SigningKey::from_jwk(SIGNING_JWK.as_bytes()).unwrap()
}

pub fn feed_key() -> FeedKey {
    static KEY: OnceLock<FeedKey> = OnceLock::new();
    KEY.get_or_init(|| signing_key().public().clone()).clone()
}

pub fn settings() -> LedgerSettings {
    LedgerSettings {
        issuer: ISSUER.into(),
        signing_key: signing_key(),
        bounds: Bounds::default(),
        issuer_skew: Seconds::new(2),
        source_skew: Seconds::new(0),
        error_rate: 1e-6,
        valid_for: Seconds::new(300),
        policy: None,
        incarnation: 1,
    }
}

pub fn ledger() -> Ledger {
    ledger_of(ISSUER)
}

pub fn ledger_of(issuer: &str) -> Ledger {
    Ledger::new(LedgerSettings { issuer: issuer.into(), ..settings() }).unwrap()
}

pub fn edge() -> Revocations {
    edge_of(ISSUER)
}

pub fn edge_of(issuer: &str) -> Revocations {
    Revocations::new(RealmId::of(issuer), vec![feed_key()], Bounds::default())
}

/// Stages one event and commits it.
pub fn record(ledger: &mut Ledger, event: &Event, now: u64) -> Option<Row> {
    let row = ledger.stage(event, at(now)).unwrap();
    ledger.commit();
    row
}

/// Applies the ledger's manifest and provides every section it is missing.
pub fn load(edge: &mut Revocations, ledger: &mut Ledger, now: u64) -> Applied {
    load_in(FORM, edge, ledger, now)
}

pub fn load_in(form: Form, edge: &mut Revocations, ledger: &mut Ledger, now: u64) -> Applied {
    let manifest = ledger.manifest(form, at(now)).unwrap();
    let applied = edge.apply(&manifest, at(now)).unwrap();
    provide_all(edge, ledger);
    applied
}

pub fn provide_all(edge: &mut Revocations, ledger: &Ledger) -> usize {
    let missing = edge.missing_sections();
    for name in &missing {
        edge.provide_section(ledger.section(name).expect("published")).unwrap();
    }
    missing.len()
}

/// Advances an edge by deltas as far as they lead.
pub fn follow(edge: &mut Revocations, ledger: &Ledger, now: u64) -> Result<Effect, FeedError> {
    follow_in(FORM, edge, ledger, now)
}

pub fn follow_in(form: Form, edge: &mut Revocations, ledger: &Ledger, now: u64) -> Result<Effect, FeedError> {
    let mut effect = Effect::AlreadyKnown;
    loop {
        let ours = edge.position().map_or(0, |position| position.sequence);
        let delta = ledger.delta(form, ours, at(now)).expect("kept").bytes;
        effect = match edge.apply(&delta, at(now))?.effect {
            Effect::Changed | Effect::ChangedInPart => Effect::Changed,
            Effect::Renewed | Effect::AlreadyKnown | Effect::Staged => return Ok(effect),
        };
    }
}

/// Records one event in a new ledger and checks that the ledger, an edge that loads the manifest and an edge that
/// applies the delta give the same results. Returns the ledger.
pub fn check_refusals(
    event: &Event,
    level: Level,
    refused: &[Subject<'_>],
    untouched: &[Subject<'_>],
    keep_until: Option<u64>,
) -> Ledger {
    let (mut ledger, mut by_delta, mut by_manifest) = (ledger(), edge(), edge());
    load(&mut by_delta, &mut ledger, NOW);
    let row = record(&mut ledger, event, NOW).expect("recorded");
    assert_eq!(row.keep_until, keep_until.map(at));
    assert_eq!(record(&mut ledger, event, NOW), None, "recorded twice");
    follow(&mut by_delta, &ledger, NOW).unwrap();
    load(&mut by_manifest, &mut ledger, NOW);
    for (subjects, expected) in [(refused, Some(level)), (untouched, None)] {
        for subject in subjects {
            assert_eq!(ledger.refuses(subject), expected, "{subject:?}");
            for edge in [&by_delta, &by_manifest] {
                assert_eq!(edge.status(subject), expected.map_or(Status::NotRevoked, Status::Revoked));
            }
        }
    }
    ledger
}

/// The same lookup with another issue time.
pub fn issued_at(seconds: u64, subject: Subject<'_>) -> Subject<'_> {
    Subject { issued_at: at(seconds), compared_at: at(seconds), ..subject }
}

pub fn token(id: &str, expires_at: u64, issued_at: u64) -> Event {
    Event::Token { id: id.into(), expires_at: Some(at(expires_at)), issued_at: Some(at(issued_at)) }
}

pub fn user(sub: &str) -> Event {
    Event::User { sub: sub.into(), not_before: NotBefore::Now }
}

/// The lookup of a token with only an id.
pub fn subject(id: &str, expires_at: u64, issued_at: u64) -> Subject<'_> {
    Subject {
        token_id: Some(id),
        issued_at: at(issued_at),
        compared_at: at(issued_at),
        expires_at: at(expires_at),
        ..Subject::default()
    }
}

/// The lookup of a user's token.
pub fn of_user(sub: &str, issued_at: u64) -> Subject<'_> {
    Subject {
        user: Some(sub),
        issued_at: at(issued_at),
        compared_at: at(issued_at),
        expires_at: at(issued_at + 300),
        ..Subject::default()
    }
}

/// The lookup of a token with all names.
pub fn of_all() -> Subject<'static> {
    Subject {
        issuer: None,
        token_id: Some("j"),
        user: Some("u"),
        session: Some("s"),
        authorized_party: Some("app"),
        client_id: None,
        grant: GrantNames::Clients,
        signing_key: None,
        issued_at: at(NOW - 10),
        compared_at: at(NOW - 10),
        logged_out_at: None,
        expires_at: at(NOW + 290),
        token_version: 1,
    }
}

pub fn is_revoked(edge: &Revocations, subject: &Subject<'_>) -> bool {
    matches!(edge.status(subject), Status::Revoked(_))
}
