//! Fuzzes ledger rows: a store's rows, intact or damaged, restored one by one and as a page. The ledger accepts the
//! rows that the plain reader accepts, refuses the tokens that the maps refuse, and publishes a state in which an edge
//! refuses them as well.

use portcullis::error::LedgerError;
use portcullis::ledger::{Ledger, Row, RowPage};
use portcullis::revocation::{Chain, Form, Revocations, Status, Subject};
use portcullis::time::UnixSeconds;
use sha2::{Digest as _, Sha256};

use crate::input::Input;
use crate::names::{name, NAMES};
use crate::pair::{ledger, ISSUER};
use crate::row_map::RowMap;
use crate::statement::new_edge;

const BASE: u64 = 1 << 40;
const MOST_ROWS: usize = 64;
/// At this time nothing has expired, so every row counts.
const NOW: UnixSeconds = UnixSeconds::ZERO;

/// Each row is a byte for its relation to the previous row (0 to 127: next; 128 to 191: after a gap; 192 to 223: not
/// after it; from 224 on: wrong chain), the payload's length in two bytes, and the payload.
pub fn check(input: &[u8]) {
    let rows = rows(input);
    let (mut one_by_one, mut by_page) = (ledger(), ledger());
    let restored = rows.iter().try_for_each(|row| one_by_one.restore(row));
    assert_eq!(restore_page(&mut by_page, &rows), restored);
    assert_eq!(one_by_one.head(), by_page.head());
    assert_eq!(one_by_one.stats(), by_page.stats());
    let map = match expected(&rows) {
        Ok(map) => map,
        Err(error) => return assert_eq!(restored, Err(error)),
    };
    assert_eq!(restored, Ok(()));
    // Rows of the previous incarnation do not move the head.
    let head = rows.last().map_or(BASE, |row| row.sequence.max(BASE));
    assert_eq!(one_by_one.head().0, head);

    let mut edge = new_edge();
    let is_published = publish(&mut one_by_one, &mut edge, &map);
    for subject in subjects(&map) {
        let subject = subject.borrowed();
        let refuses = one_by_one.refuses(&subject).is_some();
        assert_eq!(refuses, is_refused(&map, &subject), "{subject:?}");
        // Not vice versa, since a hash may match by chance.
        if refuses && is_published {
            assert!(matches!(edge.status(&subject), Status::Revoked(_)), "{subject:?}");
        }
    }
    if is_published {
        assert_eq!(edge.jwks(), map.jwks.as_deref().filter(|jwks| !jwks.is_empty()));
        assert!(map.bans.iter().all(|thumbprint| edge.bans(thumbprint)));
    }
}

fn rows(input: &[u8]) -> Vec<Row> {
    let mut input = Input::new(input);
    let mut rows: Vec<Row> = Vec::new();
    let (mut sequence, mut chain) = (BASE, genesis(1));
    while !input.is_empty() && rows.len() < MOST_ROWS {
        let how = input.byte();
        let length = usize::from(input.u16());
        let payload = input.take(length).to_vec();
        sequence = match how {
            128..=191 => sequence + u64::from(how - 126),
            192..=223 => sequence.saturating_sub(u64::from(how - 192)),
            _ => sequence + 1,
        };
        chain = next(chain, &payload);
        chain.0[0] ^= u8::from(how >= 224);
        rows.push(Row { sequence, keep_until: None, payload, chain });
    }
    rows
}

/// Returns the map that the rows fold into, or the first error, by the rules of [`Ledger::restore`].
fn expected(rows: &[Row]) -> Result<RowMap, LedgerError> {
    let mut map = RowMap::default();
    let mut last: Option<(u64, Chain)> = None;
    for Row { sequence, payload, chain, .. } in rows {
        let sequence = *sequence;
        if let Some((last, _)) = last.filter(|(last, _)| sequence <= *last) {
            return Err(LedgerError::OutOfOrder { sequence, last });
        }
        let incarnation = sequence >> 40;
        let before = last.into_iter().chain([(incarnation << 40, genesis(incarnation))]);
        let before = before.into_iter().find(|(before, _)| before + 1 == sequence);
        if before.is_some_and(|(_, before)| next(before, payload) != *chain) {
            return Err(LedgerError::BrokenChain { sequence });
        }
        if !map.take(payload) {
            return Err(LedgerError::UnreadableRow { sequence });
        }
        last = Some((sequence, *chain));
    }
    Ok(map)
}

fn restore_page(ledger: &mut Ledger, rows: &[Row]) -> Result<(), LedgerError> {
    let sequences: Vec<u64> = rows.iter().map(|row| row.sequence).collect();
    let lengths: Vec<u32> = rows.iter().map(|row| row.payload.len() as u32).collect();
    let contents: Vec<u8> = rows.iter().flat_map(|row| [&row.chain.0[..], &row.payload].concat()).collect();
    ledger.restore_page(RowPage { sequences: &sequences, lengths: &lengths, contents: &contents })
}

/// Publishes the state to an edge; false if the rows have values that no ledger records and no edge accepts.
fn publish(ledger: &mut Ledger, edge: &mut Revocations, map: &RowMap) -> bool {
    let manifest = ledger.manifest(Form::NEWEST, NOW);
    let applied = manifest.map(|manifest| edge.apply(&manifest, NOW));
    match applied {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => {
            assert!(!map.is_recordable(), "{error}");
            return false;
        }
        Err(error) => panic!("{error}"),
    }
    for name in edge.missing_sections() {
        edge.provide_section(ledger.section(&name).unwrap()).unwrap();
    }
    true
}

/// A token to look up.
struct Asked {
    issuer: Option<String>,
    id: String,
    user: String,
    session: String,
    client: String,
    key: [u8; 32],
    compared_at: u64,
    expires_at: u64,
    issued_at: u64,
    version: u64,
}

impl Asked {
    fn borrowed(&self) -> Subject<'_> {
        Subject {
            issuer: self.issuer.as_deref(),
            token_id: Some(&self.id),
            user: Some(&self.user),
            session: Some(&self.session),
            authorized_party: Some(&self.client),
            signing_key: Some(&self.key),
            issued_at: UnixSeconds::new(self.issued_at),
            compared_at: UnixSeconds::new(self.compared_at),
            expires_at: UnixSeconds::new(self.expires_at),
            token_version: self.version,
            ..Subject::default()
        }
    }
}

/// Tokens with the names in the rows, at times around theirs, and with some other names.
fn subjects(map: &RowMap) -> Vec<Asked> {
    let token = |number: usize| Asked {
        issuer: None,
        id: name(number),
        user: name(number + 1),
        session: name(number + 2),
        client: name(number + 3),
        key: [number as u8; 32],
        compared_at: number as u64,
        expires_at: number as u64 * 512,
        issued_at: 1,
        version: number as u64,
    };
    let mut asked: Vec<Asked> = (0..NAMES / 4).map(token).collect();
    let plain = || Asked { compared_at: u64::MAX, version: u64::MAX, ..token(NAMES - 1) };
    let text = |name: &Vec<u8>| String::from_utf8_lossy(name).into_owned();
    for ((kind, (issuer, names)), not_before) in &map.not_befores {
        for compared_at in [*not_before, not_before + 1] {
            let mut token = Asked { issuer: issuer.clone(), compared_at, ..plain() };
            match (kind, &names[..]) {
                (1, [user]) => token.user = text(user),
                (2, [session]) => token.session = text(session),
                (3, [session, client]) => (token.session, token.client) = (text(session), text(client)),
                (4, [client]) => token.client = text(client),
                (6, [user, client]) => (token.user, token.client) = (text(user), text(client)),
                (7, [key]) => token.key = key[..].try_into().unwrap(),
                _ => {}
            }
            asked.push(token);
        }
    }
    for ((issuer, user), minimum) in &map.minimums {
        for version in [*minimum, minimum.saturating_sub(1)] {
            asked.push(Asked { issuer: issuer.clone(), user: user.clone(), version, ..plain() });
        }
    }
    for ((_, number), ids) in &map.ids {
        for (issuer, id) in &ids.known {
            for issued_at in [ids.greatest_issued_at, ids.greatest_issued_at.saturating_add(1)] {
                let expires_at = u64::from(*number) * 512;
                asked.push(Asked { issuer: issuer.clone(), id: id.clone(), issued_at, expires_at, ..plain() });
            }
        }
    }
    asked
}

fn is_refused(map: &RowMap, subject: &Subject<'_>) -> bool {
    let (issuer, compared_at) = (subject.issuer, subject.compared_at.get());
    let [id, user, session, client] = [subject.token_id, subject.user, subject.session, subject.authorized_party]
        .map(|name| name.unwrap().as_bytes());
    let not_befores = [
        map.not_before(5, None, &[]),
        map.not_before(4, None, &[client]),
        map.not_before(7, None, &[subject.signing_key.unwrap()]),
        map.not_before(1, issuer, &[user]),
        map.not_before(2, issuer, &[session]),
        map.not_before(3, issuer, &[session, client]),
        map.not_before(6, issuer, &[user, client]),
    ];
    let [id, user] = [id, user].map(|name| core::str::from_utf8(name).unwrap());
    let minimum = map.minimums.get(&(issuer.map(Into::into), user.into())).copied().unwrap_or(0);
    not_befores.into_iter().any(|not_before| not_before > 0 && compared_at <= not_before)
        || subject.token_version < minimum
        || map.refuses_id(issuer, id, subject.expires_at.get(), subject.issued_at.get())
}

fn genesis(incarnation: u64) -> Chain {
    let realm = portcullis::revocation::RealmId::of(ISSUER);
    let hash = Sha256::new().chain_update(b"portcullis/v1/genesis\0").chain_update(realm.as_bytes());
    cut(hash.chain_update(incarnation.to_le_bytes()))
}

fn next(before: Chain, payload: &[u8]) -> Chain {
    cut(Sha256::new().chain_update(before.0).chain_update(payload))
}

fn cut(hash: Sha256) -> Chain {
    Chain(hash.finalize()[..16].try_into().unwrap())
}
