//! Decodes a delta into plain maps: a second decoder, written from the layout in `message/delta.rs`. A delta that an
//! edge accepts is in order and complete, and the edge's lookups then equal those of the maps.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hasher as _;

use portcullis::revocation::{Effect, Level, RealmId, Revocations, Status, Subject};
use siphasher::sip::SipHasher24;

use crate::names::{name, user_key, CLIENT_SESSION, GRANT, HASH_KEY, NAMES, SESSION, TOKEN_ID, USER};
use crate::pair::{at, ISSUER};
use crate::statement::{manifest, new_edge, sign, SIGNED_AT};

/// The hash key that the edge's manifest declares.
const GENERATION: u32 = 1;
/// The offset of the blocks of a delta.
const BLOCKS: usize = 80;
const MAX_SECONDS: u64 = (1 << 53) - 1;

/// Checks the body of a statement, without key id and signature. Its realm is filled in.
pub fn check(body: &[u8]) {
    let mut body = body.to_vec();
    if let Some(realm) = body.get_mut(8..24) {
        realm.copy_from_slice(RealmId::of(ISSUER).as_bytes());
    }
    let message = sign(body);
    let mut edge = new_edge();
    edge.apply(&manifest(GENERATION, &[]), at(SIGNED_AT)).unwrap();
    let (position, before) = (edge.position().unwrap(), answers(&edge));
    match edge.apply(&message, at(SIGNED_AT)) {
        Err(_) => {
            assert_eq!(edge.position(), Some(position));
            assert_eq!(answers(&edge), before);
            assert!(edge.missing_sections().is_empty());
        }
        Ok(applied) => {
            assert!(applied.sequence >= position.sequence);
            assert!(edge.apply(&message, at(SIGNED_AT)).is_ok(), "the same statement once more");
            let is_new = matches!(applied.effect, Effect::Changed | Effect::ChangedInPart);
            if message.starts_with(b"PCLD") && is_new {
                let map = DeltaMap::read(&message).expect("a delta in order");
                check_answers(&edge, &map);
            }
        }
    }
}

/// Passes on a token with the names with this number and the following ones.
fn with_subject<T>(number: usize, ask: impl FnOnce(Subject<'_>) -> T) -> T {
    let [one, other] = [name(number), name(number + 1)];
    ask(Subject {
        token_id: Some(&one),
        user: Some(&one),
        session: Some(&one),
        authorized_party: Some(&other),
        ..Subject::default()
    })
}

fn answers(edge: &Revocations) -> Vec<Status> {
    (0..NAMES).map(|number| with_subject(number, |subject| edge.status(&subject))).collect()
}

/// The revocations that a delta adds.
#[derive(Default)]
pub struct DeltaMap {
    generations: BTreeMap<u32, [u8; 16]>,
    realm: Option<u64>,
    clients: BTreeMap<String, u64>,
    bans: BTreeSet<[u8; 32]>,
    keys: BTreeMap<[u8; 32], u64>,
    jwks: Option<Vec<u8>>,
    /// By kind and number of the filter (true: catch-all): the greatest issue time, and generation and fingerprint of each
    /// id.
    ids: BTreeMap<(bool, u32), (u64, BTreeSet<(u32, u64)>)>,
    /// By table (true: grants), generation and fingerprint.
    not_befores: BTreeMap<(bool, u32, u64), u64>,
    versions: BTreeMap<[u8; 16], u64>,
}

impl DeltaMap {
    /// Decodes a delta. `None` if something is out of order, left over or truncated.
    pub fn read(message: &[u8]) -> Option<Self> {
        let issued_at = u64::from_le_bytes(message[32..40].try_into().unwrap());
        let mut map = Self { generations: [(GENERATION, HASH_KEY)].into(), ..Self::default() };
        let mut blocks = Bytes(&message[BLOCKS..message.len() - crate::statement::TRAILER_BYTES]);
        let mut last = 0;
        while !blocks.0.is_empty() {
            let [kind, flags] = [blocks.array()?, blocks.array()?].map(u16::from_le_bytes);
            let length = u32::from_le_bytes(blocks.array()?) as usize;
            let contents = Bytes(blocks.take(length)?);
            if kind <= last {
                return None;
            }
            last = kind;
            // A later minor version may have blocks that are not critical.
            if kind <= 15 {
                (flags == 1 && length > 0).then_some(())?;
                map.block(kind, contents, issued_at)?;
            } else {
                (flags & 1 == 0).then_some(())?;
            }
        }
        Some(map)
    }

    fn block(&mut self, kind: u16, mut bytes: Bytes<'_>, issued_at: u64) -> Option<()> {
        match kind {
            2 => {
                while !bytes.0.is_empty() {
                    let generation = u32::from_le_bytes(bytes.array()?);
                    let key = bytes.array()?;
                    let known = self.generations.insert(generation, key);
                    known.is_none_or(|known| known == key).then_some(())?;
                }
            }
            3 => self.realm = Some(bytes.varint()?),
            4 => {
                while !bytes.0.is_empty() {
                    let length = bytes.varint()? as usize;
                    let id = String::from_utf8(bytes.take(length)?.to_vec()).ok()?;
                    (length <= 1_024).then_some(())?;
                    push(&mut self.clients, id, bytes.varint()?)?;
                }
            }
            5 => {
                while !bytes.0.is_empty() {
                    let ban = bytes.array()?;
                    (self.bans.last() < Some(&ban) && self.bans.insert(ban)).then_some(())?;
                }
            }
            6 => self.jwks = Some(bytes.rest().to_vec()),
            8 | 9 => {
                while !bytes.0.is_empty() {
                    self.id_group(kind == 9, &mut bytes, issued_at)?;
                }
            }
            10 | 14 => {
                while !bytes.0.is_empty() {
                    let generation = u32::from_le_bytes(bytes.array()?);
                    self.generations.get(&generation)?;
                    let (count, base) = (bytes.varint()?, bytes.varint()?);
                    let mut last = None;
                    for _ in 0..count {
                        let (fingerprint, offset) = (bytes.u48()?, bytes.varint()?);
                        (last < Some(fingerprint)).then_some(())?;
                        last = Some(fingerprint);
                        let not_before = base.checked_add(offset).filter(|time| *time <= MAX_SECONDS)?;
                        self.not_befores.insert((kind == 14, generation, fingerprint), not_before);
                    }
                    last?;
                }
            }
            11 => {
                while !bytes.0.is_empty() {
                    let key = bytes.array()?;
                    push(&mut self.versions, key, bytes.varint().filter(|minimum| *minimum > 0)?)?;
                }
            }
            // Bounds and policy, which these lookups do not depend on.
            12 | 15 => {
                bytes.rest();
            }
            13 => {
                while !bytes.0.is_empty() {
                    let key = bytes.array()?;
                    push(&mut self.keys, key, bytes.varint().filter(|time| (1..=MAX_SECONDS).contains(time))?)?;
                }
            }
            _ => return None,
        }
        bytes.0.is_empty().then_some(())
    }

    fn id_group(&mut self, is_catch_all: bool, bytes: &mut Bytes<'_>, issued_at: u64) -> Option<()> {
        let generation = u32::from_le_bytes(bytes.array()?);
        self.generations.get(&generation)?;
        let (buckets, mut bucket) = (bytes.varint()?, 0_u64);
        for index in 0..buckets {
            let step = bytes.varint()?;
            (step > 0 || index == 0).then_some(())?;
            bucket = bucket.checked_add(step)?;
            let greatest = match bytes.varint()? {
                0 => u64::MAX,
                code if code % 2 == 1 => issued_at.checked_sub((code - 1) / 2)?,
                code => issued_at.checked_add(code / 2)?,
            };
            (greatest <= MAX_SECONDS || greatest == u64::MAX).then_some(())?;
            let ids = self.ids.entry((is_catch_all, u32::try_from(bucket).ok()?)).or_default();
            ids.0 = ids.0.max(greatest);
            let (count, mut last) = (bytes.varint()?, None);
            for _ in 0..count {
                let fingerprint = bytes.u48()?;
                (last < Some(fingerprint)).then_some(())?;
                last = Some(fingerprint);
                ids.1.insert((generation, fingerprint));
            }
            last?;
        }
        (buckets > 0).then_some(())
    }

    /// Returns the greatest not-before of a name in any generation; default 0.
    fn not_before(&self, is_grant: bool, tag: u8, parts: &[&str]) -> u64 {
        let found = self
            .generations
            .iter()
            .filter_map(|(number, key)| self.not_befores.get(&(is_grant, *number, fingerprint_under(key, tag, parts))));
        found.copied().max().unwrap_or(0)
    }
}

/// Adds an entry, which must come after all existing ones.
fn push<K: Ord>(map: &mut BTreeMap<K, u64>, key: K, value: u64) -> Option<()> {
    let is_next = map.last_key_value().is_none_or(|(last, _)| *last < key);
    map.insert(key, value);
    is_next.then_some(())
}

fn fingerprint_under(key: &[u8; 16], tag: u8, parts: &[&str]) -> u64 {
    let mut hasher = SipHasher24::new_with_key(key);
    hasher.write(&[&[tag][..], RealmId::of(ISSUER).as_bytes()].concat());
    for part in parts {
        hasher.write(&u32::try_from(part.len()).unwrap().to_le_bytes());
        hasher.write(part.as_bytes());
    }
    hasher.finish() >> 16
}

fn check_answers(edge: &Revocations, map: &DeltaMap) {
    assert_eq!(edge.jwks(), map.jwks.as_deref());
    assert!(map.bans.iter().all(|ban| edge.bans(ban)));
    assert_eq!(edge.bans(&[0xA5; 32]), map.bans.contains(&[0xA5; 32]));
    let times = map.not_befores.values().chain(map.clients.values()).chain(map.realm.as_ref()).copied();
    let times: BTreeSet<u64> = times.chain([0]).flat_map(|time| [time, time.saturating_add(1)]).take(16).collect();
    let key = map.keys.first_key_value().map(|(key, _)| *key);
    for number in 0..NAMES {
        with_subject(number, |subject| {
            for time in &times {
                let client = subject.authorized_party.unwrap();
                for expires_at in map.ids.keys().map(|(_, bucket)| u64::from(*bucket) * 512).chain([0]).take(4) {
                    let subject = Subject {
                        compared_at: at(*time),
                        issued_at: at(*time),
                        expires_at: at(expires_at),
                        signing_key: key.as_ref(),
                        ..subject
                    };
                    let expected = expected(map, &subject, client).map_or(Status::NotRevoked, Status::Revoked);
                    assert_eq!(edge.status(&subject), expected, "{} at {time}", name(number));
                }
            }
        });
    }
}

/// Returns the widest level that refuses.
fn expected(map: &DeltaMap, subject: &Subject<'_>, client: &str) -> Option<Level> {
    let time = subject.compared_at.get();
    let name = subject.user.unwrap();
    let is_over = |not_before: u64| not_before > 0 && time <= not_before;
    let is_refused = |tag: u8, parts: &[&str]| is_over(map.not_before(tag == GRANT, tag, parts));
    let bucket = u32::try_from(subject.expires_at.get() / 512).unwrap_or(u32::MAX);
    let is_id = |(_, (greatest, ids)): (&(bool, u32), &(u64, BTreeSet<(u32, u64)>))| {
        let is_under =
            |(number, key): (&u32, &[u8; 16])| ids.contains(&(*number, fingerprint_under(key, TOKEN_ID, &[name])));
        time <= *greatest && map.generations.iter().any(is_under)
    };
    let mut asked = map.ids.iter().filter(|((is_catch_all, number), _)| *is_catch_all || *number == bucket);
    let levels = [
        (Level::Realm, map.realm.is_some_and(|not_before| time <= not_before)),
        (Level::Client, map.clients.get(client).is_some_and(|not_before| time <= *not_before)),
        (
            Level::Key,
            subject.signing_key.is_some_and(|key| map.keys.get(key).is_some_and(|not_before| time <= *not_before)),
        ),
        (Level::User, is_refused(USER, &[name])),
        (Level::Session, is_refused(SESSION, &[name])),
        (Level::ClientSession, is_refused(CLIENT_SESSION, &[name, client])),
        (Level::Grant, is_refused(GRANT, &[name, client])),
        (Level::Version, map.versions.get(&user_key(name)).is_some_and(|minimum| *minimum > 0)),
        (Level::Token, asked.any(is_id)),
    ];
    levels.into_iter().find(|(_, is_refused)| *is_refused).map(|(level, _)| level)
}

/// Reads fields in order.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u48(&mut self) -> Option<u64> {
        self.array::<6>().map(|[a, b, c, d, e, f]| u64::from_le_bytes([a, b, c, d, e, f, 0, 0]))
    }

    /// Reads LEB128 in its shortest form.
    fn varint(&mut self) -> Option<u64> {
        let length = self.0.iter().position(|byte| byte & 0x80 == 0)? + 1;
        let bytes = self.take(length)?;
        let number = bytes.iter().rev().fold(0_u128, |number, byte| number << 7 | u128::from(byte & 0x7F));
        (length == 1 || bytes[length - 1] != 0).then_some(())?;
        u64::try_from(number).ok().filter(|_| length <= 10)
    }

    fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.0)
    }
}
