//! The fuzzer's initial inputs: made from the vectors, and from rows, sections and statements about the names that the
//! models look up.

use std::collections::BTreeMap;

use crate::names::{fingerprint, name, user_key, CLIENT_SESSION, GRANT, HASH_KEY, NAMES, SESSION, TOKEN_ID, USER};
use crate::pair::{at, ledger, record, ISSUER, NOW};
use crate::statement::{block, SEQUENCE, SIGNED_AT, TRAILER_BYTES};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use portcullis::keys::MAX_KEYS;
use portcullis::ledger::{Correction, Event, NotBefore};
use portcullis::revocation::RealmId;
use serde_json::Value;

/// If `FUZZ_SEEDS` names a folder, writes the target's seeds into it and exits.
#[allow(dead_code)] // Used by the fuzzer's binaries only.
pub fn write_if_asked(target: &str) {
    let Some(folder) = std::env::var_os("FUZZ_SEEDS").map(std::path::PathBuf::from) else { return };
    std::fs::create_dir_all(&folder).unwrap();
    for (number, seed) in of(target).iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{number:04}")), seed).unwrap();
    }
    std::process::exit(0);
}

/// Returns the seeds of a target.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "token" => tokens(),
        "jwks" => jwk_sets(),
        "feed" => statements(),
        "rows" => rows(),
        "sections" => sections(),
        _ => panic!("unknown target {target}"),
    }
}

fn verdicts() -> Value {
    serde_json::from_str(include_str!("../vectors/verdicts.json")).unwrap()
}

/// Every token unchanged, the claims of each to be signed by the target, and tokens of the maximum length.
fn tokens() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for (number, group) in verdicts()["groups"].as_array().unwrap().iter().enumerate() {
        for (test, vector) in group["tests"].as_array().unwrap().iter().enumerate() {
            let token = vector["token"].as_str().unwrap();
            inputs.push([&[number as u8, 0, 0x80][..], token.as_bytes()].concat());
            let parts: Vec<&str> = token.split('.').collect();
            let decoded = |at: usize| parts.get(at).and_then(|part| Base64UrlUnpadded::decode_vec(part).ok());
            let (Some(header), Some(claims)) = (decoded(0), decoded(1)) else { continue };
            inputs.push([&[number as u8, test as u8 % 3, test as u8 % 16][..], &claims].concat());
            if let Ok(length) = u8::try_from(header.len()) {
                inputs.push([&[number as u8, 4, 0, length][..], &header, &claims].concat());
            }
        }
    }
    // Tokens of 599, 601 and 602 bytes for the setup that accepts 600: the third after those of the vectors.
    let setup = verdicts()["groups"].as_array().unwrap().len() + 2;
    for length in [387, 388, 389] {
        let text = r#"{"iss":"https://id.example/realms/acme","sub":"alice","jti":"1","iat":1799999990,"exp":1800000300,"pad":""}"#;
        let claims = text.replace(r#""pad":""#, &format!(r#""pad":"{}"#, "p".repeat(length - text.len())));
        inputs.push([&[setup as u8, 0, 0][..], claims.as_bytes()].concat());
    }
    inputs
}

/// Each set of the vectors, each of its keys alone, and sets at the size limit.
fn jwk_sets() -> Vec<Vec<u8>> {
    let mut sets = Vec::new();
    for group in verdicts()["groups"].as_array().unwrap() {
        sets.push(group["jwks"].clone());
        let keys = group["jwks"]["keys"].as_array().unwrap().iter();
        sets.extend(keys.map(|key| serde_json::json!({ "keys": [key] })));
    }
    // The maximum number of members, and one more.
    for members in [MAX_KEYS, MAX_KEYS + 1] {
        let mut keys = vec![sets[1]["keys"][0].clone()];
        keys.resize(members, Value::from(0));
        sets.push(serde_json::json!({ "keys": keys }));
    }
    sets.iter()
        .enumerate()
        .map(|(number, set)| [&[number as u8 % 6][..], set.to_string().as_bytes()].concat())
        .collect()
}

/// A row of every kind, all in one input and each alone.
fn rows() -> Vec<Vec<u8>> {
    let mut ledger = ledger();
    let caller = || NotBefore::Caller(at(NOW - 900));
    let events = [
        Event::Token { id: name(0), expires_at: Some(at(NOW + 300)), issued_at: Some(at(NOW)) },
        Event::Token { id: name(1), expires_at: None, issued_at: None },
        Event::User { sub: name(2), not_before: NotBefore::Now },
        Event::Session { sid: name(3), occurred_at: None, issued_at: None },
        Event::ClientSession { sid: name(3), azp: name(4), occurred_at: None, issued_at: None },
        Event::Client { client: name(5), not_before: caller() },
        Event::Realm { not_before: caller() },
        Event::Grant { sub: name(6), client: name(7), not_before: caller() },
        Event::KeyBanned { thumbprint: [8; 32] },
        Event::KeyNotBefore { thumbprint: [9; 32], not_before: caller() },
        Event::TokenVersion { sub: name(10), minimum: 3 },
        Event::Keys { jwks: br#"{"keys":[]}"#.to_vec() },
        Event::Bounds,
        Event::Correction(Correction::User { sub: name(2), not_before: None }),
        Event::Correction(Correction::Grant { sub: name(6), client: name(7), not_before: None }),
        Event::Correction(Correction::KeyBanned { thumbprint: [8; 32] }),
        Event::Correction(Correction::TokenVersion { sub: name(10), minimum: 1 }),
        Event::KeysWithdrawn,
    ];
    let mut payloads: Vec<Vec<u8>> =
        events.iter().filter_map(|event| record(&mut ledger, event, NOW)).map(|row| row.payload).collect();
    // The same under another issuer name: form 2, with the name before the fact.
    for at in [0, 2, 7, 10] {
        let (head, fact) = payloads[at].split_at(10);
        payloads.push([&[2, head[1]][..], &head[2..], &17_u32.to_le_bytes(), b"https://b.example", fact].concat());
    }
    let row = |payload: &Vec<u8>| [&[0][..], &(payload.len() as u16).to_le_bytes(), payload].concat();
    let mut inputs: Vec<Vec<u8>> = payloads.iter().map(row).collect();
    inputs.push(inputs.concat());
    inputs.extend([128, 192, 224].map(|how| {
        let mut input = inputs[2..5].concat();
        input[0] = how;
        input
    }));
    inputs
}

/// Sections of each kind with the names, and those of the feed vectors.
fn sections() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for count in [0, 1, 2, 3, 5, 9, NAMES] {
        let ids: Vec<u64> = (0..count).map(|number| fingerprint(TOKEN_ID, &[&name(number)])).collect();
        inputs.push([vec![0], filter(1, &ids)].concat());
        inputs.push([vec![0], filter(2, &ids)].concat());
        for log2 in [0, 1] {
            let users = (0..count).map(|number| (fingerprint(USER, &[&name(number)]), 1_000 + 7 * number as u64));
            let sessions = (0..count).map(|number| (fingerprint(SESSION, &[&name(number)]), 2_000 + number as u64));
            let pairs = |tag: u8| {
                let of_pair = move |number| fingerprint(tag, &[&name(number), &name(number + 1)]);
                (0..count).map(move |number| (of_pair(number), 1_500 + number as u64))
            };
            let all: Vec<(u64, u64)> = users.chain(sessions).chain(pairs(CLIENT_SESSION)).collect();
            for shard in 0..1 << log2 {
                inputs.push([vec![log2], not_befores(3, log2, shard, &all)].concat());
                inputs.push([vec![log2], not_befores(5, log2, shard, &pairs(GRANT).collect::<Vec<_>>())].concat());
                inputs.push([vec![log2], versions(log2, shard, count)].concat());
            }
        }
    }
    // More than 128 high parts, so there are several hints.
    let many: Vec<(u64, u64)> =
        (0..300).map(|number| (fingerprint(USER, &[&format!("name {number}")]), number)).collect();
    inputs.push([vec![0], not_befores(3, 0, 0, &many)].concat());
    for bytes in feed_vectors("section") {
        inputs.push([vec![0], bytes].concat());
    }
    inputs
}

fn head(kind: u16, form: u8, width: u8, bucket: u32, count: usize, capacity: u32, base: u64) -> Vec<u8> {
    let generation: u32 = if kind == 4 { 0 } else { 1 };
    let numbers = [bucket, generation, count as u32, capacity].map(u32::to_le_bytes).concat();
    [b"PCLS", &kind.to_le_bytes()[..], &[form, width], &numbers, &base.to_le_bytes()].concat()
}

fn filter(kind: u16, ids: &[u64]) -> Vec<u8> {
    let mut body = vec![0_u8; 128];
    for id in ids {
        for draw in 0..20_u64 {
            let mut word = id.wrapping_add((draw / 2 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            word ^= word >> 31;
            let bit = ((word >> (draw % 2 * 32) & 0xFFFF_FFFF) * 1_024 >> 32) as usize;
            body[bit / 8] |= 1 << (bit % 8);
        }
    }
    [head(kind, 20, 0, 7, ids.len(), 40, 1_024), body].concat()
}

fn not_befores(kind: u16, log2: u8, shard: u32, all: &[(u64, u64)]) -> Vec<u8> {
    let of_shard = all.iter().filter(|(fingerprint, _)| fingerprint >> (48 - log2) == u64::from(shard));
    let count = of_shard.clone().count();
    let high_bits = count.max(1).next_power_of_two().trailing_zeros();
    let cut = |fingerprint: u64| (fingerprint & ((1 << (48 - log2)) - 1)) >> (48 - u32::from(log2) - high_bits - 25);
    let entries: BTreeMap<u64, u64> = of_shard.map(|(fingerprint, value)| (cut(*fingerprint), *value)).collect();
    assert_eq!(entries.len(), count);
    let base = entries.values().min().copied().unwrap_or(0);
    let width = 64 - entries.values().map(|value| value - base).max().unwrap_or(0).leading_zeros();
    let mut section = head(kind, log2, width as u8, shard, count, 0, base);
    let below = |high: u64| entries.keys().filter(|key| **key >> 25 < high).count() as u64;
    let highs = 1_u64 << high_bits;
    let push =
        |bits: &mut Vec<bool>, number: u64, width: u32| bits.extend((0..width).map(|bit| number >> bit & 1 == 1));
    let mut parts = vec![Vec::new(); 5];
    (0..highs.div_ceil(128)).for_each(|hint| push(&mut parts[0], below(hint * 128), 32));
    for high in 0..highs {
        parts[1].extend(entries.keys().filter(|key| **key >> 25 == high).map(|_| true));
        parts[1].push(false);
    }
    for (key, value) in &entries {
        push(&mut parts[2], key & ((1 << 25) - 1), 25);
        push(&mut parts[3], value - base, width);
    }
    parts[4] = vec![false; 64];
    for mut part in parts {
        part.resize(part.len().next_multiple_of(64), false);
        section.extend(part.chunks(8).map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit))));
    }
    section
}

fn versions(log2: u8, shard: u32, count: usize) -> Vec<u8> {
    let of_shard = |key: &[u8; 16]| log2 == 0 || u32::from(key[0] >> (8 - log2)) == shard;
    let keys: BTreeMap<[u8; 16], u64> = (0..count)
        .map(|number| (user_key(&name(number)), 1 + number as u64))
        .filter(|(key, _)| of_shard(key))
        .collect();
    let entries = keys.iter().flat_map(|(key, minimum)| [&key[..], &minimum.to_le_bytes()].concat());
    head(4, log2, 0, shard, keys.len(), 0, 0).into_iter().chain(entries).collect()
}

/// Scripts of a world, and statements: those of the vectors, and a delta with each block.
fn statements() -> Vec<Vec<u8>> {
    let mut state = 1_u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    let mut inputs: Vec<Vec<u8>> = (0..60).map(|number| (0..40 + 8 * number).map(|_| random()).collect()).collect();
    inputs.iter_mut().for_each(|script| script[0] %= 32);
    let mut blocks: Vec<(u16, Vec<u8>)> = vec![
        (2, [&1_u32.to_le_bytes()[..], &HASH_KEY, &2_u32.to_le_bytes(), &[2; 16]].concat()),
        (3, vec![9]),
        (4, [&[6][..], name(1).as_bytes(), &[9]].concat()),
        (5, [[1; 32], [2; 32]].concat()),
        (6, br#"{"keys":[]}"#.to_vec()),
    ];
    let mut ids: Vec<u64> = (0..3).map(|number| fingerprint(TOKEN_ID, &[&name(number)])).collect();
    ids.sort_unstable();
    let u48 = |number: &u64| number.to_le_bytes()[..6].to_vec();
    let group = [&1_u32.to_le_bytes()[..], &[1, 7, 1, 3], &ids.iter().flat_map(u48).collect::<Vec<_>>()].concat();
    blocks.extend([(8, group.clone()), (9, group)]);
    for (kind, tags) in [(10, &[USER, SESSION][..]), (14, &[GRANT])] {
        let of = |tag: &u8| match *tag {
            GRANT => fingerprint(GRANT, &[&name(0), &name(1)]),
            tag => fingerprint(tag, &[&name(0)]),
        };
        let mut found: Vec<u64> = tags.iter().map(of).collect();
        found.sort_unstable();
        let entries =
            found.iter().enumerate().flat_map(|(at, fingerprint)| [u48(fingerprint), vec![at as u8]].concat());
        blocks.push((kind, [&1_u32.to_le_bytes()[..], &[tags.len() as u8, 50], &entries.collect::<Vec<_>>()].concat()));
    }
    blocks.push((11, [&user_key(&name(2))[..], &[3]].concat()));
    blocks.push((12, vec![5, 5, 0x80, 0xa3, 0x05, 0]));
    blocks.push((13, [&[3; 32][..], &[9]].concat()));
    blocks.push((15, vec![1; 21]));
    blocks.sort();
    for (kind, contents) in &blocks {
        let mut delta = delta();
        block(&mut delta, *kind, contents);
        inputs.push(delta);
    }
    let mut all = delta();
    blocks.iter().for_each(|(kind, contents)| block(&mut all, *kind, contents));
    inputs.push(all);
    // A client name of the maximum length, and one that is a byte longer.
    for length in [1_024, 1_025_u16] {
        let varint = [(length & 0x7F) as u8 | 0x80, (length >> 7) as u8];
        let mut delta = delta();
        block(&mut delta, 4, &[&varint[..], &vec![b'a'; length.into()], &[9]].concat());
        inputs.push(delta);
    }
    for message in feed_vectors("statement") {
        let mut body = message[..message.len() - TRAILER_BYTES].to_vec();
        if body.starts_with(b"PCLD") {
            body[24..80].copy_from_slice(&delta()[25..81]);
        }
        inputs.push([vec![0xFF], body].concat());
    }
    inputs
}

/// A delta without blocks that follows the target's manifest.
fn delta() -> Vec<u8> {
    let mut body = b"\xffPCLD\x01\x01\x00\x00".to_vec();
    body.extend_from_slice(RealmId::of(ISSUER).as_bytes());
    body.extend_from_slice(&(SEQUENCE + 1).to_le_bytes());
    body.extend_from_slice(&SIGNED_AT.to_le_bytes());
    body.extend_from_slice(&[7; 16]);
    body.extend_from_slice(&300_u32.to_le_bytes());
    body.extend_from_slice(&1_u32.to_le_bytes());
    body.extend_from_slice(&[9; 16]);
    body
}

/// The sections or statements that earlier versions published.
fn feed_vectors(wanted: &str) -> Vec<Vec<u8>> {
    fn collect(value: &Value, found: &mut Vec<Vec<u8>>) {
        match value {
            Value::String(text) if text.len() % 2 == 0 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
                found.push((0..text.len()).step_by(2).map(byte).collect());
            }
            Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
            Value::Object(members) => members.values().for_each(|value| collect(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut found = Vec::new();
    for vectors in [include_str!("../vectors/feed-1.0.json"), include_str!("../vectors/feed-1.1.json")] {
        collect(&serde_json::from_str(vectors).unwrap(), &mut found);
    }
    let is_wanted = |bytes: &Vec<u8>| match wanted {
        "section" => bytes.starts_with(b"PCLS"),
        _ => bytes.starts_with(b"PCLM") || bytes.starts_with(b"PCLD"),
    };
    found.into_iter().filter(is_wanted).collect()
}
