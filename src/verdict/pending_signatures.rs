//! Signatures that the host is checking, by number: the boundary cannot lend them out.

use super::cached_token::CachedToken;
use crate::keys::Key;
use crate::signature::Algorithm;
use crate::token::TokenBytes;

/// How far a judgement, an identification or an explanation got.
#[derive(Debug)]
pub enum Progress<T> {
    /// To the end.
    Decided(T),
    /// To the signature, which the host is to check.
    AwaitingSignature {
        /// Names the token, once.
        handle: Handle,
        /// Names the key, by which the host may cache its form of it. The same number never means another key.
        key_number: u32,
    },
}

/// So many may be at the host at once. When one more goes there an earlier one is dropped, and its caller begins again.
pub const MAX_HANDLES: usize = 256;

/// Names one pending signature, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle(u32);

impl Handle {
    /// The handle with that number.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// The pending signatures, which may come back in any order. Some never do: a request that is cancelled takes the rest
/// of its work along. So they are kept in a ring, and those left over are dropped when the ring is full and comes
/// round.
#[derive(Debug, Default)]
pub struct PendingSignatures {
    ring: Vec<Option<(Handle, PendingSignature)>>,
    next: u32,
}

impl PendingSignatures {
    /// Keeps a signature until it is taken back.
    pub(super) fn begin<T>(&mut self, pending: PendingSignature, key_number: u32) -> Progress<T> {
        Progress::AwaitingSignature { handle: self.put(pending), key_number }
    }

    /// A signature that is kept.
    #[must_use]
    pub fn get(&self, handle: Handle) -> Option<&PendingSignature> {
        match self.ring.get(place(handle))? {
            Some((kept, pending)) if *kept == handle => Some(pending),
            Some(_) | None => None,
        }
    }

    /// Gives a signature back. `None`: it was given back before, or was the oldest when there was no room.
    pub fn take(&mut self, handle: Handle) -> Option<PendingSignature> {
        let slot = self.ring.get_mut(place(handle))?;
        let (_, pending) = slot.take_if(|(kept, _)| *kept == handle)?;
        Some(pending)
    }

    /// Drops every signature of a realm's tokens: their handles have expired.
    pub(crate) fn drop_realm(&mut self, index: usize) {
        for slot in &mut self.ring {
            let _ = slot.take_if(|(_, pending)| pending.realm() == index);
        }
    }

    fn put(&mut self, pending: PendingSignature) -> Handle {
        let handle = self.next_free().unwrap_or(Handle(self.next));
        self.next = handle.0.wrapping_add(1);
        let at = place(handle);
        if self.ring.len() <= at {
            self.ring.resize_with(at + 1, || None);
        }
        if let Some(slot) = self.ring.get_mut(at) {
            *slot = Some((handle, pending));
        }
        handle
    }

    /// The next handle whose place is free.
    fn next_free(&self) -> Option<Handle> {
        let mut later = (0..).take(MAX_HANDLES).map(|ahead| Handle(self.next.wrapping_add(ahead)));
        later.find(|handle| matches!(self.ring.get(place(*handle)), None | Some(None)))
    }
}

const fn place(handle: Handle) -> usize {
    handle.0 as usize % MAX_HANDLES
}

/// A token whose signature the host is checking. It owns the bytes that are checked, can be used once, and is the only
/// way to [`finish`](super::finish), [`finish_to_identify`](super::finish_to_identify) and
/// [`finish_to_explain`](super::finish_to_explain). Its `Debug` shows nothing of the token.
pub struct PendingSignature {
    held: Held,
    signing_input_length: usize,
    signature: Vec<u8>,
    realm: usize,
    key: Key,
    algorithm: Algorithm,
}

impl PendingSignature {
    pub(super) fn new(held: Held, bytes: &TokenBytes<'_>, realm: usize, key: &Key, algorithm: Algorithm) -> Self {
        Self {
            held,
            signing_input_length: bytes.signing_input().len(),
            signature: bytes.parts().signature().into(),
            realm,
            key: key.clone(),
            algorithm,
        }
    }

    pub(super) fn held(&self) -> &Held {
        &self.held
    }

    pub(super) fn into_cached(self) -> Option<CachedToken> {
        match self.held {
            Held::Whole(cached) => Some(cached),
            Held::Text(_) => None,
        }
    }

    /// The token.
    pub(super) fn text(&self) -> &str {
        self.held.text()
    }

    /// The realm's place in the list that was given.
    #[must_use]
    pub fn realm(&self) -> usize {
        self.realm
    }

    /// The key to check with.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The algorithm to check by. Signatures are as in JOSE: ECDSA's are R and S, not DER.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The bytes that are signed.
    #[must_use]
    pub fn signing_input(&self) -> &str {
        self.held.text().get(..self.signing_input_length).unwrap_or_default()
    }

    /// The signature.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

impl core::fmt::Debug for PendingSignature {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("PendingSignature").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// A token as far as it is needed afterwards.
pub(super) enum Held {
    /// With everything that is left to be checked.
    Whole(CachedToken),
    /// Its text: its claims are to be refused, which may be said only once the signature is good.
    Text(Box<str>),
}

impl Held {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Whole(cached) => cached.token(),
            Self::Text(text) => text,
        }
    }
}
