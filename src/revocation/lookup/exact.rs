//! The small parts of the state, held exactly: not-befores of realm, clients and signing keys, banned keys, JWKS.

use super::sorted_map::SortedMap;
use crate::error::FeedError;
use crate::revocation::wire::reader::{
    check_order, Reader, MAX_BANS, MAX_CLIENTS, MAX_CLIENT_ID_BYTES, MAX_JWKS_BYTES, MAX_KEY_NOT_BEFORES,
};
use crate::time::MAX_SECONDS;

/// The not-before of a banned key: later than any time.
pub(crate) const BANNED: u64 = u64::MAX;

/// Exact state, or a change to it: both are merged by maximum and union, the JWKS by replacement.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Exact {
    pub(crate) realm_not_before: Option<u64>,
    pub(crate) clients: SortedMap<Box<str>, u64>,
    /// A set: each value is [`BANNED`].
    pub(crate) bans: SortedMap<[u8; 32], u64>,
    /// By the key's RFC 7638 thumbprint.
    pub(crate) key_not_befores: SortedMap<[u8; 32], u64>,
    pub(crate) jwks: Option<Vec<u8>>,
}

impl Exact {
    /// Merges a change.
    pub(crate) fn merge(&mut self, change: &Self) {
        self.realm_not_before = self.realm_not_before.max(change.realm_not_before);
        for (client, not_before) in change.clients.iter() {
            self.clients.update(client.clone(), |known| *known = (*known).max(*not_before));
        }
        raise(&mut self.bans, &change.bans);
        raise(&mut self.key_not_befores, &change.key_not_befores);
        if change.jwks.is_some() {
            self.jwks.clone_from(&change.jwks);
        }
    }

    // REALM: varint not_before
    pub(crate) fn decode_realm(&mut self, bytes: &[u8]) -> Result<(), FeedError> {
        let mut reader = Reader::new(bytes);
        self.realm_not_before = Some(reader.varint()?);
        reader.end("realm block")
    }

    // CLIENTS: { varint length, client id in UTF-8, varint not_before }, strictly increasing by id
    pub(crate) fn decode_clients(&mut self, bytes: &[u8]) -> Result<(), FeedError> {
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let length = reader.count(1)?;
            let id =
                core::str::from_utf8(reader.take(length)?).map_err(|_| FeedError::Malformed { part: "client id" })?;
            if length > MAX_CLIENT_ID_BYTES || self.clients.len() >= MAX_CLIENTS {
                return Err(FeedError::Malformed { part: "size of clients block" });
            }
            check_order(self.clients.last_key().map(|last| &**last), id, "order of clients")?;
            self.clients.push(id.into(), reader.varint()?);
        }
        Ok(())
    }

    // BANS: { [u8; 32] thumbprint }, strictly increasing
    pub(crate) fn decode_bans(&mut self, bytes: &[u8]) -> Result<(), FeedError> {
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            if self.bans.len() >= MAX_BANS {
                return Err(FeedError::Malformed { part: "size of bans block" });
            }
            let thumbprint = reader.array()?;
            check_order(self.bans.last_key(), &thumbprint, "order of bans")?;
            self.bans.push(thumbprint, BANNED);
        }
        Ok(())
    }

    // KEY_NOT_BEFORES: { [u8; 32] thumbprint, varint not_before }, strictly increasing by thumbprint; not_before at
    // least 1
    pub(crate) fn decode_key_not_befores(&mut self, bytes: &[u8]) -> Result<(), FeedError> {
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            if self.key_not_befores.len() >= MAX_KEY_NOT_BEFORES {
                return Err(FeedError::Malformed { part: "size of key not-befores block" });
            }
            let (thumbprint, not_before) = (reader.array()?, reader.varint()?);
            check_order(self.key_not_befores.last_key(), &thumbprint, "order of key not-befores")?;
            if !(1..=MAX_SECONDS).contains(&not_before) {
                return Err(FeedError::Malformed { part: "key not-before" });
            }
            self.key_not_befores.push(thumbprint, not_before);
        }
        Ok(())
    }

    // KEYS: the JWKS, verbatim
    pub(crate) fn decode_keys(&mut self, bytes: &[u8]) -> Result<(), FeedError> {
        if bytes.len() > MAX_JWKS_BYTES {
            return Err(FeedError::Malformed { part: "size of keys block" });
        }
        self.jwks = Some(bytes.to_vec());
        Ok(())
    }
}

/// Merges by maximum.
#[inline(never)]
fn raise(keys: &mut SortedMap<[u8; 32], u64>, change: &SortedMap<[u8; 32], u64>) {
    for (thumbprint, value) in change.iter() {
        keys.update(*thumbprint, |known| *known = (*known).max(*value));
    }
}
