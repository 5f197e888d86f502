//! Lookups in one realm's revocation state for tokens that are not revoked, at every level, including hashing.

use std::cell::RefCell;

use portcullis::revocation::{Bounds, FeedKey, RealmId, Revocations, Status, Subject};
use portcullis::time::UnixSeconds;

use crate::input;

/// Enough subjects that neither they nor the bits they probe stay in the CPU cache between two rounds.
const SUBJECTS: u64 = 1 << 16;

struct Loaded {
    revocations: Revocations,
    now: UnixSeconds,
    names: Vec<[String; 3]>,
    expires_at: Vec<UnixSeconds>,
    next: usize,
}

thread_local! {
    static LOADED: RefCell<Option<Loaded>> = const { RefCell::new(None) };
}

/// Opens a realm at the time `now`. The input is its issuer, a NUL, and the JWK that its feed is signed with.
#[no_mangle]
extern "C" fn open_realm(now: u64, buckets: u64) -> u32 {
    let loaded = input::with(|bytes| {
        let end = bytes.iter().position(|byte| *byte == 0)?;
        let (issuer, key) = bytes.split_at_checked(end)?;
        let key = FeedKey::from_jwk(key.get(1..)?).ok()?;
        let realm = RealmId::of(core::str::from_utf8(issuer).ok()?);
        Some(Loaded {
            revocations: Revocations::new(realm, vec![key], Bounds::default()),
            now: UnixSeconds::new(now),
            names: (0..SUBJECTS)
                .map(|number| [name("id", number), name("user", number), name("session", number)])
                .collect(),
            expires_at: (0..SUBJECTS).map(|number| UnixSeconds::new(now + 600 + number % buckets * 512)).collect(),
            next: 0,
        })
    });
    let is_open = loaded.is_some();
    LOADED.set(loaded);
    is_open.into()
}

/// Applies the manifest or delta in the input.
#[no_mangle]
extern "C" fn apply() -> u32 {
    with_loaded(|loaded| input::with(|bytes| loaded.revocations.apply(bytes, loaded.now).is_ok()))
}

/// Applies the section in the input.
#[no_mangle]
extern "C" fn provide() -> u32 {
    with_loaded(|loaded| input::with(|bytes| loaded.revocations.provide_section(bytes).is_ok()))
}

/// Looks up `count` tokens and returns how many are not revoked; the state must be complete.
#[no_mangle]
extern "C" fn look_up(count: u32) -> u32 {
    LOADED.with_borrow_mut(|loaded| {
        let Some(Loaded { revocations, now, names, expires_at, next }) = loaded else { return 0 };
        let mut good = 0;
        for _ in 0..count {
            let ([id, user, session], expires_at) = (&names[*next], expires_at[*next]);
            *next = (*next + 1) % names.len();
            let issued_at = UnixSeconds::new(now.get() - 10);
            let subject = Subject {
                token_id: Some(id),
                user: Some(user),
                session: Some(session),
                authorized_party: Some("demo"),
                issued_at,
                compared_at: issued_at,
                expires_at,
                ..Subject::default()
            };
            good += u32::from(revocations.status(&subject) == Status::NotRevoked);
        }
        good
    })
}

fn with_loaded(work: impl FnOnce(&mut Loaded) -> bool) -> u32 {
    LOADED.with_borrow_mut(|loaded| loaded.as_mut().is_some_and(work)).into()
}

/// A name of a UUID's length.
fn name(kind: &str, number: u64) -> String {
    format!("{number:016x}-{kind:-<19}")
}
