//! Tokens remembered as verified: nobody gets in by another's signature, nothing outlives its key, the room is bounded, and
//! every finding is that of a gate which remembers nothing.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

mod fixtures;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use fixtures::{base64url, claims, code, realm, realm_of, sign, token, vectors, HEADER, NOW};
use portcullis::gate::{Gate, KeysFrom, Progress};
use portcullis::keys::KeySource;
use portcullis::ledger::key::SigningKey;
use portcullis::ledger::{Event, Ledger, LedgerSettings};
use portcullis::revocation::Bounds;
use portcullis::signature::{Algorithm, Algorithms};
use portcullis::time::{Seconds, UnixSeconds};
use portcullis::verdict::{begin, find, finish, judge, Begun, CacheLimits, Entry, Finding, Handle, HostOutcome, Realm};
use portcullis::verdict::{Signature, VerifiedTokens, MAX_HANDLES};
use serde_json::json;

const ROOM: CacheLimits = CacheLimits { entries: 1000, bytes: 1 << 22 };

fn at(offset: u64) -> UnixSeconds {
    UnixSeconds::new(NOW.get() + offset)
}

/// A reason code, or how the signature of an accepted token is known.
fn outcome(finding: Finding) -> &'static str {
    match finding {
        Ok(standing) => match standing.signature {
            Signature::Checked => "checked",
            Signature::Remembered(_) => "remembered",
        },
        Err(refused) => refused.reason.code(),
    }
}

/// The same, but for how the signature is known.
fn verdict(finding: Finding) -> &'static str {
    finding.map_or_else(|refused| refused.reason.code(), |_| "accepted")
}

/// A gate that follows an origin.
struct Pair {
    ledger: Ledger,
    gate: Gate,
}

impl Pair {
    fn new() -> Self {
        Self::with_room(ROOM)
    }

    fn with_room(room: CacheLimits) -> Self {
        let signing_key = SigningKey::generate().unwrap();
        let feed_keys = vec![signing_key.public().clone()];
        let policy = realm().policy;
        let ledger = ledger(signing_key, &policy.issuer);
        let realm = Realm::new("acme", policy, feed_keys, Bounds::default());
        let mut pair = Self { ledger, gate: Gate::new(vec![(realm, KeysFrom::Caller)], room) };
        pair.set_keys(&[fixtures::SECRET]);
        pair.publish(NOW);
        pair
    }

    fn set_keys(&mut self, secrets: &[&[u8]]) {
        self.gate.set_keys(0, &key_set(secrets), KeySource::Configuration, UnixSeconds::MAX).unwrap().unwrap();
    }

    fn record(&mut self, event: &Event) {
        self.ledger.stage(event, NOW).unwrap();
        self.ledger.commit();
        self.publish(NOW);
    }

    fn publish(&mut self, now: UnixSeconds) {
        self.gate.apply_feed(&self.ledger.manifest(now).unwrap(), now).unwrap();
        for name in self.gate.realm(0).unwrap().revocations.missing_sections() {
            self.gate.provide_section(0, self.ledger.section(&name).unwrap().to_vec(), None).unwrap();
        }
    }

    fn find(&mut self, token: &str) -> &'static str {
        outcome(self.gate.find(token.as_bytes(), NOW))
    }

    /// The entry of a token that is remembered.
    fn entry(&mut self, token: &str) -> Entry {
        match self.gate.find(token.as_bytes(), NOW).map(|standing| standing.signature) {
            Ok(Signature::Remembered(entry)) => entry,
            other => panic!("{other:?}"),
        }
    }

    fn recheck(&mut self, entry: Entry) -> Option<&'static str> {
        self.gate.recheck(entry, NOW).map(outcome)
    }

    fn hand_over(&mut self, token: &str) -> Handle {
        match self.gate.begin(token.as_bytes(), Algorithms::of(&[Algorithm::HS256]), NOW) {
            Progress::AtHost { handle, .. } => handle,
            Progress::Decided(finding) => panic!("{finding:?}"),
        }
    }
}

fn ledger(signing_key: SigningKey, issuer: &str) -> Ledger {
    let settings = LedgerSettings {
        issuer: issuer.into(),
        signing_key,
        bounds: Bounds::default(),
        issuer_skew: Seconds::new(0),
        error_rate: 1e-6,
        valid_for: Seconds::new(300),
        incarnation: 1,
    };
    Ledger::new(settings).unwrap()
}

/// The first has the `kid` of the fixtures' tokens.
fn key_set(secrets: &[&[u8]]) -> Vec<u8> {
    let key = |(at, secret): (usize, &&[u8])| {
        let kid = if at == 0 { "test".to_owned() } else { format!("test-{at}") };
        json!({ "kty": "oct", "kid": kid, "k": base64url(secret) })
    };
    json!({ "keys": secrets.iter().enumerate().map(key).collect::<Vec<_>>() }).to_string().into_bytes()
}

fn thumbprint(gate: &Gate) -> [u8; 32] {
    let portcullis::verdict::RealmKeys::Loaded { keys, .. } = &gate.realm(0).unwrap().keys else { panic!() };
    let thumbprint = *keys.iter().next().unwrap().thumbprint();
    thumbprint
}

// Poisoning -----------------------------------------------------------------------------------------------------------

#[test]
fn only_the_very_token_is_remembered() {
    let mut pair = Pair::new();
    let good = token(&json!({}));
    assert_eq!(pair.find(&good), "checked");
    assert_eq!(pair.find(&good), "remembered");

    let (input, signature) = good.rsplit_once('.').unwrap();
    let (header, _) = input.split_once('.').unwrap();
    let other_claims = base64url(claims(&json!({ "sub": "admin" })));
    assert_eq!(pair.find(&format!("{header}.{other_claims}.{signature}")), "bad_signature", "same signature");
    let other_header = base64url(r#"{"alg":"HS256","typ":"JWT","kid":"test" }"#);
    let (_, same_claims) = input.split_once('.').unwrap();
    assert_eq!(pair.find(&format!("{other_header}.{same_claims}.{signature}")), "bad_signature", "same signature");
    let other_signature = token(&json!({ "jti": "token-2" })).rsplit_once('.').unwrap().1.to_owned();
    assert_eq!(pair.find(&format!("{input}.{other_signature}")), "bad_signature", "same payload");
    // The digest is of the end of the signature: one that differs only before that.
    let mut before = good.clone().into_bytes();
    let at = input.len() + 3;
    before[at] = if before[at] == b'A' { b'B' } else { b'A' };
    assert_eq!(pair.find(core::str::from_utf8(&before).unwrap()), "bad_signature");
    for part in [format!("{good}A"), format!("{good}="), format!(" {good}"), good[..good.len() - 1].to_owned()] {
        assert!(matches!(pair.find(&part), "malformed" | "bad_signature"));
    }
    assert_eq!(pair.find(&good), "remembered", "none of them pushed it out");
}

/// The order of P-256 (SEC 2 §2.4.2).
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
    0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

#[test]
fn a_signatures_twin_is_another_token() {
    let groups = vectors("verdicts.json");
    let is_es256 = |token: &str| token.starts_with("eyJhbGciOiJFUzI1NiI");
    let (group, text) = groups["groups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group["tests"].as_array().unwrap().iter().map(move |test| (group, test)))
        .find(|(_, test)| test["expect"] == "accepted" && is_es256(test["token"].as_str().unwrap()))
        .map(|(group, test)| (group, test["token"].as_str().unwrap()))
        .unwrap();
    let realms = [realm_of(group).0];
    let mut verified = VerifiedTokens::new(ROOM);
    let (input, signature) = text.rsplit_once('.').unwrap();
    let mut bytes = Base64UrlUnpadded::decode_vec(signature).unwrap();
    let mut borrow = 0;
    for at in (0..32).rev() {
        let difference = i16::from(P256_ORDER[at]) - i16::from(bytes[32 + at]) - borrow;
        borrow = i16::from(difference < 0);
        bytes[32 + at] = difference.rem_euclid(256) as u8;
    }
    let twin = format!("{input}.{}", base64url(&bytes));
    assert_ne!(twin, text);
    for (spelling, held) in [(text, 1), (twin.as_str(), 2), (text, 2), (twin.as_str(), 2)] {
        // Without a feed nothing is accepted, but the signature was checked and is remembered.
        assert_eq!(verdict(find(spelling.as_bytes(), &realms, &mut verified, NOW)), "no_feed");
        assert_eq!(verified.len(), held);
    }
}

// Keys, time, revocation ----------------------------------------------------------------------------------------------

#[test]
fn nothing_outlives_its_key() {
    let mut pair = Pair::new();
    let good = token(&json!({}));
    let other: &[u8] = b"another secret, 32 bytes or more";
    assert_eq!((pair.find(&good), pair.find(&good)), ("checked", "remembered"));
    pair.set_keys(&[fixtures::SECRET]);
    assert_eq!(pair.find(&good), "remembered", "the same set again");
    pair.set_keys(&[fixtures::SECRET, other]);
    assert_eq!(pair.find(&good), "remembered", "another key came along");

    pair.set_keys(&[other]);
    assert_eq!(pair.find(&good), "bad_signature", "its kid names another key");
    pair.set_keys(&[fixtures::SECRET]);
    assert_eq!((pair.find(&good), pair.find(&good)), ("checked", "remembered"), "back again");
    pair.gate.clear_keys(0);
    assert_eq!(pair.find(&good), "keys_unavailable");
    pair.set_keys(&[fixtures::SECRET]);
    assert_eq!((pair.find(&good), pair.find(&good)), ("checked", "remembered"), "back again");

    let banned = thumbprint(&pair.gate);
    pair.record(&Event::KeyBanned { thumbprint: banned });
    assert_eq!(pair.find(&good), "banned_key");
}

#[test]
fn every_use_looks_at_time_revocation_and_freshness() {
    let revocations = [
        (Event::Token { id: "token-1".into(), expires_at: Some(at(300)), issued_at: None }, "token_revoked"),
        (Event::Session { sid: "session-1".into(), issued_at: None }, "session_revoked"),
        (Event::ClientSession { sid: "session-1".into(), azp: "demo".into(), issued_at: None }, "session_revoked"),
        (Event::User { sub: "alice".into(), not_before: None }, "user_revoked"),
        (Event::Client { client: "demo".into(), not_before: None }, "client_revoked"),
        (Event::Realm { not_before: None }, "realm_revoked"),
        (Event::TokenVersion { sub: "alice".into(), minimum: 1 }, "version_revoked"),
    ];
    for (event, reason) in revocations {
        let mut pair = Pair::new();
        let good = token(&json!({}));
        assert_eq!((pair.find(&good), pair.find(&good)), ("checked", "remembered"));
        pair.record(&event);
        assert_eq!(pair.find(&good), reason);
    }
    let mut pair = Pair::new();
    let good = token(&json!({}));
    assert_eq!(pair.find(&good), "checked");
    let mut later = |offset| outcome(pair.gate.find(good.as_bytes(), at(offset)));
    assert_eq!(later(60), "remembered");
    assert_eq!(later(61), "stale_feed");
    assert_eq!(later(305), "expired");
    assert_eq!(later(0), "expired", "the clock of a gate never goes back");
}

#[test]
fn a_revoked_token_costs_one_signature() {
    let mut pair = Pair::new();
    pair.record(&Event::User { sub: "alice".into(), not_before: None });
    let revoked = token(&json!({}));
    assert_eq!((pair.find(&revoked), pair.find(&revoked)), ("user_revoked", "user_revoked"));
    let begun = pair.gate.begin(revoked.as_bytes(), Algorithms::of(&[Algorithm::HS256]), NOW);
    assert!(matches!(begun, Progress::Decided(Err(_))), "remembered, so the host is not asked");
}

#[test]
fn an_entry_stands_for_its_token_and_for_no_other() {
    let mut pair = Pair::with_room(CacheLimits { entries: 1, ..ROOM });
    let (good, other) = (token(&json!({})), token(&json!({ "jti": "token-2", "sub": "bob" })));
    pair.find(&good);
    let entry = pair.entry(&good);
    assert_eq!(pair.recheck(entry), Some("remembered"));
    assert_eq!(pair.recheck(Entry { number: entry.number + 1, ..entry }), None, "never given out");
    assert_eq!(pair.recheck(Entry { place: entry.place + 1, ..entry }), None, "never given out");

    pair.find(&other);
    let taken = pair.entry(&other);
    assert_eq!(taken.place, entry.place, "in the same place");
    assert_eq!(pair.recheck(entry), None);
    assert_eq!(pair.recheck(taken), Some("remembered"));

    pair.record(&Event::User { sub: "bob".into(), not_before: None });
    assert_eq!(pair.recheck(taken), Some("user_revoked"));
    pair.set_keys(&[b"another secret, 32 bytes or more"]);
    assert_eq!(pair.recheck(taken), None, "gone with its key");
    pair.set_keys(&[fixtures::SECRET]);
    assert_eq!(pair.recheck(taken), None, "its key is back, it is not");
}

// The host ------------------------------------------------------------------------------------------------------------

#[test]
fn what_lands_between_signature_and_answer_counts() {
    let mut pair = Pair::new();
    let good = token(&json!({}));
    let handle = pair.hand_over(&good);
    pair.record(&Event::User { sub: "alice".into(), not_before: None });
    assert_eq!(pair.gate.finish(handle, HostOutcome::Good, NOW).map(outcome), Some("user_revoked"));

    let mut pair = Pair::new();
    let handle = pair.hand_over(&good);
    pair.set_keys(&[b"another secret, 32 bytes or more"]);
    assert_eq!(pair.gate.finish(handle, HostOutcome::Good, NOW).map(outcome), Some("unknown_key"));
    assert_eq!(pair.find(&good), "bad_signature", "and nothing was remembered");

    let mut pair = Pair::new();
    let handle = pair.hand_over(&good);
    let banned = thumbprint(&pair.gate);
    pair.record(&Event::KeyBanned { thumbprint: banned });
    assert_eq!(pair.gate.finish(handle, HostOutcome::Good, NOW).map(outcome), Some("banned_key"));
    assert_eq!(pair.find(&good), "banned_key");
}

#[test]
fn a_handle_is_good_once_and_there_are_few() {
    let mut pair = Pair::new();
    let good = token(&json!({}));
    let handle = pair.hand_over(&good);
    assert_eq!(pair.gate.finish(handle, HostOutcome::Bad, NOW).map(outcome), Some("bad_signature"));
    assert_eq!(pair.gate.finish(handle, HostOutcome::Good, NOW), None);
    assert_eq!(pair.gate.finish(Handle::from_number(77), HostOutcome::Good, NOW), None);

    let first = pair.hand_over(&good);
    let others: Vec<Handle> = (0..MAX_HANDLES).map(|_| pair.hand_over(&good)).collect();
    assert_eq!(pair.gate.finish(first, HostOutcome::Good, NOW), None, "the oldest came back");
    for handle in others {
        assert_eq!(pair.gate.finish(handle, HostOutcome::Good, NOW).map(verdict), Some("accepted"));
    }
    assert_eq!(pair.find(&good), "remembered");
    let unknown = token(&json!({ "jti": "token-2" }));
    let handle = pair.hand_over(&unknown);
    assert_eq!(pair.gate.finish(handle, HostOutcome::Unknown, NOW).map(outcome), Some("checked"));
}

// Floods --------------------------------------------------------------------------------------------------------------

#[test]
fn a_million_tokens_stay_within_the_room() {
    let realms = [realm()];
    let hot = token(&json!({ "jti": "hot" }));
    for limits in [CacheLimits { entries: 1000, bytes: 1 << 30 }, CacheLimits { entries: 1 << 30, bytes: 1 << 20 }] {
        let mut verified = VerifiedTokens::new(limits);
        let body = claims(&json!({ "jti": "token-0000000" }));
        for number in 0..500_000 {
            let distinct = sign(HEADER, body.replace("token-0000000", &format!("token-{number:07}")));
            assert_eq!(verdict(find(distinct.as_bytes(), &realms, &mut verified, NOW)), "no_feed");
            if number % 100 == 0 {
                // Asked for now and then, so it stays: the host would have to be asked for any other.
                let known = verified.len();
                let begun = begin(hot.as_bytes(), &realms, &mut verified, Algorithms::of(&[Algorithm::HS256]), NOW);
                assert!(number == 0 || matches!(begun, Begun::Decided(_)), "{number}, {known} known");
                if let Begun::Pending(pending) = begun {
                    let _ = finish(pending, HostOutcome::Good, &realms, &mut verified, NOW);
                }
            }
            assert!(verified.len() <= limits.entries && verified.bytes() <= limits.bytes);
        }
        assert!(verified.len() > 500);
    }
}

#[test]
fn a_million_forgeries_leave_no_trace() {
    let realms = [realm()];
    let mut verified = VerifiedTokens::new(ROOM);
    let good = token(&json!({}));
    let _ = find(good.as_bytes(), &realms, &mut verified, NOW);
    let (input, _) = good.rsplit_once('.').unwrap();
    let held = (verified.len(), verified.bytes());
    assert_eq!(held.0, 1);
    for number in 0_u64..1_000_000 {
        let mut signature = [7; 32];
        signature[..8].copy_from_slice(&number.to_le_bytes());
        let forged = format!("{input}.{}", base64url(signature));
        assert_eq!(verdict(find(forged.as_bytes(), &realms, &mut verified, NOW)), "bad_signature");
    }
    assert_eq!((verified.len(), verified.bytes()), held);
}

#[test]
fn a_token_too_big_for_the_room_is_left_out() {
    let realms = [realm()];
    let mut verified = VerifiedTokens::new(CacheLimits { entries: 100, bytes: 16_384 });
    let big = token(&json!({ "x": "x".repeat(4000) }));
    assert_eq!(verdict(find(big.as_bytes(), &realms, &mut verified, NOW)), "no_feed");
    assert!(verified.is_empty());
    for off in [CacheLimits { entries: 0, bytes: 1 << 20 }, CacheLimits { entries: 10, bytes: 0 }] {
        let mut verified = VerifiedTokens::new(off);
        let _ = find(token(&json!({})).as_bytes(), &realms, &mut verified, NOW);
        assert!(verified.is_empty());
    }
}

// The property --------------------------------------------------------------------------------------------------------

#[test]
fn every_vector_is_found_alike() {
    for group in vectors("verdicts.json")["groups"].as_array().unwrap() {
        let realms = [realm_of(group).0];
        let mut verified = VerifiedTokens::new(ROOM);
        for _ in 0..2 {
            for test in group["tests"].as_array().unwrap() {
                let now = test["now"].as_u64().map_or(NOW, UnixSeconds::new);
                let text = test["token"].as_str().unwrap();
                let found = verdict(find(text.as_bytes(), &realms, &mut verified, now));
                assert_eq!(found, code(&judge(text, &realms, now)), "{}", test["comment"]);
            }
        }
    }
}

/// Two gates that hear the same: one remembers, the other does not.
#[test]
fn whatever_happens_in_between_the_finding_is_that_of_a_gate_without_memory() {
    let mut seen = std::collections::BTreeMap::<&str, u32>::new();
    for seed in 0..40 {
        let mut state = 0x5eed_u64 + seed;
        // Knuth's MMIX constants: the same run every time.
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let signing_key = SigningKey::generate().unwrap();
        let feed_key = signing_key.public().clone();
        let mut ledger = ledger(signing_key, &realm().policy.issuer);
        let gate = |limits| {
            let realm = Realm::new("acme", realm().policy, vec![feed_key.clone()], Bounds::default());
            Gate::new(vec![(realm, KeysFrom::Caller)], limits)
        };
        let small = CacheLimits { entries: 5, bytes: 1 << 20 };
        let mut gates = [gate(CacheLimits::NOTHING), gate(small), gate(ROOM)];
        let secrets: [&[u8]; 3] =
            [fixtures::SECRET, b"another secret, 32 bytes or more", b"a third secret of 32 bytes or so"];
        let tokens: Vec<String> = (0..12)
            .map(|number| {
                let body = claims(&json!({
                    "jti": format!("token-{number}"), "sub": if number % 2 == 0 { "alice" } else { "bob" },
                    "sid": format!("session-{}", number % 3), "exp": NOW.get() + 20 * (number as u64 + 1),
                    "token_version": number % 4, "aud": if number == 11 { "other" } else { "api" },
                }));
                match number {
                    9 => sign(r#"{"alg":"HS256"}"#, body),
                    10 => sign(r#"{"alg":"HS256","kid":"test-1"}"#, body),
                    _ => sign(HEADER, body),
                }
            })
            .collect();
        let mut now = NOW;
        for gate in &mut gates {
            gate.set_keys(0, &key_set(&secrets), KeySource::Configuration, UnixSeconds::MAX).unwrap().unwrap();
        }
        let mut at_host: Vec<(String, [Option<Handle>; 3])> = Vec::new();
        for step in 0..600 {
            match random(24) {
                0 if random(3) == 0 => {
                    let count = 1 + random(3) as usize;
                    let first = random(2) as usize;
                    let set = key_set(&secrets.iter().cycle().skip(first).take(count).copied().collect::<Vec<_>>());
                    let until = UnixSeconds::new(now.get() + 20 + random(4000));
                    for gate in &mut gates {
                        gate.set_keys(0, &set, KeySource::Configuration, until).unwrap().unwrap();
                    }
                }
                1 if random(10) == 0 => gates.iter_mut().for_each(|gate| gate.clear_keys(0)),
                2 if random(12) == 0 => now = UnixSeconds::new(now.get() + 61),
                2 => now = UnixSeconds::new(now.get() + random(6)),
                3 => now = UnixSeconds::new(now.get() - random(5)),
                4 | 5 => {
                    let event = match random(160) {
                        0 => Event::Realm { not_before: Some(UnixSeconds::new(NOW.get() - 11)) },
                        1..5 => Event::Client { client: format!("client-{}", random(3)), not_before: None },
                        5..10 => Event::Session { sid: format!("session-{}", random(15)), issued_at: None },
                        10..15 => Event::TokenVersion { sub: "bob".into(), minimum: random(3) },
                        15 => Event::User { sub: "bob".into(), not_before: None },
                        16 => Event::KeyBanned { thumbprint: thumbprint_of(secrets[random(3) as usize]) },
                        _ => Event::Token { id: format!("token-{}", random(100)), expires_at: None, issued_at: None },
                    };
                    // The ledger has a clock of its own, which may be behind what it was told before.
                    let _ = ledger.stage(&event, now);
                    ledger.commit();
                }
                6..9 => {
                    let manifest = ledger.manifest(now).unwrap();
                    let applied = gates.each_mut().map(|gate| {
                        let applied = gate.apply_feed(&manifest, now).map(|(_, applied)| applied).ok();
                        for name in gate.realm(0).unwrap().revocations.missing_sections() {
                            gate.provide_section(0, ledger.section(&name).unwrap().to_vec(), None).unwrap();
                        }
                        applied
                    });
                    assert_eq!(applied[0], applied[1]);
                }
                9 => {
                    let token = &tokens[random(12) as usize];
                    let host = Algorithms::of(&[Algorithm::HS256]);
                    at_host.push((
                        token.clone(),
                        gates.each_mut().map(|gate| match gate.begin(token.as_bytes(), host, now) {
                            Progress::AtHost { handle, .. } => Some(handle),
                            Progress::Decided(_) => None,
                        }),
                    ));
                }
                10 if !at_host.is_empty() => {
                    let (token, handles) = at_host.swap_remove(random(at_host.len() as u64) as usize);
                    // Whoever decided at once has nothing to finish; who has ends as one who begins now would.
                    for (gate, handle) in gates.iter_mut().zip(handles) {
                        let Some(finding) = handle.and_then(|handle| gate.finish(handle, HostOutcome::Unknown, now))
                        else {
                            continue;
                        };
                        assert_eq!(verdict(finding), verdict(gate.find(token.as_bytes(), now)), "{seed}, step {step}");
                    }
                }
                _ => {
                    let token = &tokens[random(12) as usize];
                    let found = gates.each_mut().map(|gate| gate.find(token.as_bytes(), now));
                    let told = |finding: &Finding| {
                        finding.map(|standing| (standing.realm, standing.sequence, standing.behind))
                    };
                    assert_eq!(told(&found[0]), told(&found[1]), "{seed}, step {step}");
                    assert_eq!(told(&found[0]), told(&found[2]), "{seed}, step {step}");
                    *seen.entry(outcome(found[2])).or_default() += 1;
                }
            }
        }
    }
    // Much came of it, or the runs prove little.
    let often = |what: &str| seen.get(what).is_some_and(|times| *times >= 20);
    let outcomes =
        ["remembered", "checked", "expired", "token_revoked", "session_revoked", "version_revoked", "user_revoked"];
    for what in outcomes.into_iter().chain(["banned_key", "bad_signature", "keys_unavailable", "stale_feed"]) {
        assert!(often(what), "{what}: {seen:?}");
    }
}

fn thumbprint_of(secret: &[u8]) -> [u8; 32] {
    let mut pair = Pair::new();
    pair.set_keys(&[secret]);
    thumbprint(&pair.gate)
}
