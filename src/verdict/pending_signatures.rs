//! Signatures that the host is verifying, by number, because references cannot cross the boundary.

use super::cached_token::CachedToken;
use crate::keys::Key;
use crate::signature::Algorithm;
use crate::token::TokenBytes;

/// The progress of a judgement, an identification or an explanation.
#[derive(Debug)]
pub enum Progress<T> {
    /// Finished.
    Decided(T),
    /// Waiting for the host to verify the signature.
    AwaitingSignature {
        /// Refers to the token; usable once.
        handle: Handle,
        /// Number of the key, with which the host may cache its own form of the key. Never reused for another key.
        key_number: u32,
    },
}

/// Maximum number of signatures pending at the host. One more drops an earlier one, whose caller begins again.
pub const MAX_HANDLES: usize = 256;

/// Refers to one pending signature; usable once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle(u32);

impl Handle {
    /// The handle with this number.
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

/// The pending signatures, which may complete in any order. Some never complete, because their request was cancelled.
/// They are kept in a ring, and an old one is overwritten when the ring is full.
#[derive(Debug, Default)]
pub struct PendingSignatures {
    ring: Vec<Option<(Handle, PendingSignature)>>,
    next: u32,
}

impl PendingSignatures {
    /// Stores a signature until it is taken.
    pub(super) fn begin<T>(&mut self, pending: PendingSignature, key_number: u32) -> Progress<T> {
        Progress::AwaitingSignature { handle: self.put(pending), key_number }
    }

    /// Returns a pending signature.
    #[must_use]
    pub fn get(&self, handle: Handle) -> Option<&PendingSignature> {
        match self.ring.get(place(handle))? {
            Some((kept, pending)) if *kept == handle => Some(pending),
            Some(_) | None => None,
        }
    }

    /// Removes and returns a signature. Returns `None` if it was taken before, or was dropped because the ring was
    /// full.
    pub fn take(&mut self, handle: Handle) -> Option<PendingSignature> {
        let slot = self.ring.get_mut(place(handle))?;
        let (_, pending) = slot.take_if(|(kept, _)| *kept == handle)?;
        Some(pending)
    }

    /// Drops every pending signature of a realm, so that their handles expire.
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

    /// The next handle whose slot is free.
    fn next_free(&self) -> Option<Handle> {
        let mut later = (0..).take(MAX_HANDLES).map(|ahead| Handle(self.next.wrapping_add(ahead)));
        later.find(|handle| matches!(self.ring.get(place(*handle)), None | Some(None)))
    }
}

const fn place(handle: Handle) -> usize {
    handle.0 as usize % MAX_HANDLES
}

/// A token whose signature the host is verifying. It owns the bytes to verify, can be used once, and is the only way to
/// [`finish`](super::finish), [`finish_to_identify`](super::finish_to_identify) and
/// [`finish_to_explain`](super::finish_to_explain). Its `Debug` shows no part of the token.
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

    /// The realm's index.
    #[must_use]
    pub fn realm(&self) -> usize {
        self.realm
    }

    /// The key to verify with.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The algorithm to verify with. Signatures are in JOSE format: R and S for ECDSA, not DER.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The signed bytes.
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

/// The part of a token that is needed to finish.
pub(super) enum Held {
    /// The token with everything that is still to be checked.
    Whole(CachedToken),
    /// The encoded token: its claims will be refused, which must not be revealed before the signature is verified.
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
