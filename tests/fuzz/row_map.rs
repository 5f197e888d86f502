//! Folds ledger rows into plain maps: a second reader of the row format, written from its description in
//! `ledger/record.rs`.

use std::collections::{BTreeMap, BTreeSet};

const MAX_SECONDS: u64 = (1 << 53) - 1;
const UNKNOWN: u64 = u64::MAX;

/// The issuer name, if the row applies to one only, and the names of the subject.
type Key = (Option<String>, Vec<Vec<u8>>);

/// A filter: its kind (1 bucket, 2 catch-all) and number.
type Place = (u8, u32);

#[derive(Default)]
pub struct RowMap {
    /// By kind of subject: 1 user, 2 session, 3 client session, 4 client, 5 realm, 6 grant, 7 key.
    pub not_befores: BTreeMap<(u8, Key), u64>,
    pub minimums: BTreeMap<(Option<String>, String), u64>,
    pub bans: BTreeSet<[u8; 32]>,
    pub jwks: Option<Vec<u8>>,
    pub ids: BTreeMap<Place, Ids>,
}

/// The ids of a filter, and its greatest issue time.
#[derive(Default)]
pub struct Ids {
    pub known: BTreeSet<(Option<String>, String)>,
    pub greatest_issued_at: u64,
}

impl RowMap {
    /// Folds a row into the maps. Returns false if it is not a valid row.
    pub fn take(&mut self, payload: &[u8]) -> bool {
        self.read(payload).is_some()
    }

    fn read(&mut self, payload: &[u8]) -> Option<()> {
        let mut row = Fields(payload);
        let [form, kind] = row.array()?;
        let _recorded_at = row.time()?;
        let issuer = match form {
            1 => None,
            2 => Some(row.prefixed()?).filter(|issuer| !issuer.is_empty()),
            _ => return None,
        };
        if form == 2 && issuer.is_none() {
            return None;
        }
        let (replaces, kind) = (kind & 0x80 != 0, kind & 0x7F);
        match kind {
            1 => {
                let [filter] = row.array()?;
                let (expiry, issued_at) = (row.time()?, row.u64()?);
                if !matches!(filter, 1 | 2) || (issued_at > MAX_SECONDS && issued_at != UNKNOWN) {
                    return None;
                }
                let id = row.text()?;
                let seconds = if filter == 1 { 512 } else { 16_384 };
                let place = (filter, u32::try_from(expiry / seconds).unwrap_or(u32::MAX));
                let ids = self.ids.entry(place).or_default();
                ids.greatest_issued_at = ids.greatest_issued_at.max(issued_at);
                ids.known.insert((issuer, id));
            }
            2 => {
                let not_before = row.time()?;
                let [subject] = row.array()?;
                let names = match subject {
                    1 | 2 | 4 => vec![row.text()?.into_bytes()],
                    3 | 6 => vec![row.prefixed()?.into_bytes(), row.text()?.into_bytes()],
                    5 => Vec::new(),
                    7 => vec![row.array::<32>()?.to_vec()],
                    _ => return None,
                };
                let is_of_all_names = matches!(subject, 4 | 5 | 7);
                if !row.0.is_empty() || is_of_all_names && issuer.is_some() {
                    return None;
                }
                set(&mut self.not_befores, (subject, (issuer, names)), not_before, replaces);
            }
            3 => {
                let minimum = row.u64()?;
                set(&mut self.minimums, (issuer, row.text()?), minimum, replaces);
            }
            4 => {
                let thumbprint = row.array()?;
                if !row.0.is_empty() || issuer.is_some() {
                    return None;
                }
                match replaces {
                    true => self.bans.remove(&thumbprint),
                    false => self.bans.insert(thumbprint),
                };
            }
            5 => {
                if issuer.is_some() {
                    return None;
                }
                self.jwks = Some(row.0.to_vec()).filter(|jwks| !replaces || !jwks.is_empty());
            }
            6 => {
                for _ in 0..9 {
                    row.time()?;
                }
                if !row.0.is_empty() || issuer.is_some() {
                    return None;
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// Returns the not-before of a subject; default 0.
    pub fn not_before(&self, kind: u8, issuer: Option<&str>, names: &[&[u8]]) -> u64 {
        let key = (issuer.map(Into::into), names.iter().map(|name| name.to_vec()).collect());
        self.not_befores.get(&(kind, key)).copied().unwrap_or(0)
    }

    /// Whether a ledger records such values and edges accept them: rows of older versions may have longer client names.
    pub fn is_recordable(&self) -> bool {
        self.not_befores.iter().all(|((kind, (_, names)), not_before)| match kind {
            4 => names.iter().all(|name| name.len() <= 1_024),
            7 => *not_before > 0,
            _ => true,
        })
    }

    /// Whether the token with this id, expiry and issue time is refused because of its id.
    pub fn refuses_id(&self, issuer: Option<&str>, id: &str, expires_at: u64, issued_at: u64) -> bool {
        let bucket = u32::try_from(expires_at / 512).unwrap_or(u32::MAX);
        let key = (issuer.map(Into::into), id.to_owned());
        let asked = self.ids.iter().filter(|((kind, number), _)| *kind == 2 || *number == bucket);
        asked.into_iter().any(|(_, ids)| issued_at <= ids.greatest_issued_at && ids.known.contains(&key))
    }
}

fn set<K: Ord>(map: &mut BTreeMap<K, u64>, key: K, value: u64, replaces: bool) {
    match (replaces, value) {
        (true, 0) => {
            map.remove(&key);
        }
        (true, _) => {
            map.insert(key, value);
        }
        (false, _) => {
            let known = map.entry(key).or_default();
            *known = value.max(*known);
        }
    }
}

/// Reads the fields of a row in order.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn time(&mut self) -> Option<u64> {
        self.u64().filter(|time| *time <= MAX_SECONDS)
    }

    /// Reads a length-prefixed string.
    fn prefixed(&mut self) -> Option<String> {
        let length = u32::from_le_bytes(self.array()?) as usize;
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        String::from_utf8(taken.to_vec()).ok()
    }

    /// Reads a string to the end.
    fn text(&mut self) -> Option<String> {
        String::from_utf8(core::mem::take(&mut self.0).to_vec()).ok()
    }
}
