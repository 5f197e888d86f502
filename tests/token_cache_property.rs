//! Property test of the verified-token cache: every finding equals that of a gate without a cache.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

mod fixtures;
mod gate_pair;

use fixtures::{claims, code, realm, realm_of, sign, vectors, HEADER, NOW};
use gate_pair::{key_set, ledger, outcome, thumbprint, verdict, Pair, ROOM};
use portcullis::gate::{Gate, KeysFrom};
use portcullis::keys::KeySource;
use portcullis::ledger::key::SigningKey;
use portcullis::ledger::{Event, NotBefore};
use portcullis::revocation::{Bounds, Form};
use portcullis::signature::{Algorithm, Algorithms};
use portcullis::time::UnixSeconds;
use portcullis::verdict::VerifiedTokenCache;
use portcullis::verdict::{find, judge, CacheLimits, Finding, Handle, HostOutcome, Progress, Realm};
use serde_json::json;

#[test]
fn every_vector_has_the_same_finding() {
    for group in vectors("verdicts.json")["groups"].as_array().unwrap() {
        let realms = [realm_of(group).0];
        let mut verified = VerifiedTokenCache::new(ROOM);
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

/// Compares two gates with the same inputs, one with a cache and one without.
#[test]
fn every_finding_equals_that_of_a_gate_without_a_cache() {
    let mut seen = std::collections::BTreeMap::<&str, u32>::new();
    for seed in 0..40 {
        let mut state = 0x5eed_u64 + seed;
        // Knuth's MMIX constants, so that every run is the same.
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let signing_key = SigningKey::generate().unwrap();
        let feed_key = signing_key.public().clone();
        let mut ledger = ledger(signing_key, realm().policy.issuer.id());
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
                        0 => Event::Realm { not_before: NotBefore::Caller(UnixSeconds::new(NOW.get() - 11)) },
                        1..5 => Event::Client { client: format!("client-{}", random(3)), not_before: NotBefore::Now },
                        5..10 => Event::Session {
                            sid: format!("session-{}", random(15)),
                            occurred_at: None,
                            issued_at: None,
                        },
                        10..15 => Event::TokenVersion { sub: "bob".into(), minimum: random(3) },
                        15 => Event::User { sub: "bob".into(), not_before: NotBefore::Now },
                        16 => Event::KeyBanned { thumbprint: thumbprint_of(secrets[random(3) as usize]) },
                        _ => Event::Token { id: format!("token-{}", random(100)), expires_at: None, issued_at: None },
                    };
                    // The ledger has its own clock, which may be behind an earlier `now`.
                    let _ = ledger.stage(&event, now);
                    ledger.commit();
                }
                6..9 => {
                    let manifest = ledger.manifest(Form::NEWEST, now).unwrap();
                    let applied = gates.each_mut().map(|gate| {
                        let applied = gate.apply_feed(0, &manifest, now).ok();
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
                            Progress::AwaitingSignature { handle, .. } => Some(handle),
                            Progress::Decided(_) => None,
                        }),
                    ));
                }
                10 if !at_host.is_empty() => {
                    let (token, handles) = at_host.swap_remove(random(at_host.len() as u64) as usize);
                    // A gate that decided at once has nothing to finish; the others must give the finding of a gate
                    // that begins now.
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
                        finding.map(|acceptance| (acceptance.realm, acceptance.sequence, acceptance.behind))
                    };
                    assert_eq!(told(&found[0]), told(&found[1]), "{seed}, step {step}");
                    assert_eq!(told(&found[0]), told(&found[2]), "{seed}, step {step}");
                    *seen.entry(outcome(found[2])).or_default() += 1;
                }
            }
        }
    }
    // Every outcome must be frequent, or the runs prove little.
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
