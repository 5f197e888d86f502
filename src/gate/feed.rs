//! Applies feed messages to a gate's realms.

use super::Gate;
use crate::error::FeedError;
use crate::revocation::{peek_realm, Applied, Effect, Marks, Provided};
use crate::time::UnixSeconds;

impl Gate {
    /// Returns the realm and sequence of a feed message without verifying its signature.
    ///
    /// # Errors
    /// Not a feed message, or for a realm that this gate does not have.
    pub fn peek_feed(&self, bytes: &[u8]) -> Result<(usize, u64), FeedError> {
        let (id, sequence) = peek_realm(bytes)?;
        let index = self.realms.iter().position(|realm| realm.revocations.realm() == id);
        index.map(|index| (index, sequence)).ok_or(FeedError::WrongRealm)
    }

    /// Checks a manifest or delta and applies it to the realm with that index, all or nothing.
    ///
    /// # Errors
    /// Any fault of the message; [`FeedError::WrongRealm`] if it is for another realm, even one of this gate. Nothing
    /// has changed then.
    pub fn apply_feed(&mut self, realm: usize, bytes: &[u8], now: UnixSeconds) -> Result<Applied, FeedError> {
        let now = self.advance(now);
        let revocations = &mut self.realms.get_mut(realm).ok_or(FeedError::WrongRealm)?.revocations;
        let applied = revocations.apply(bytes, now)?;
        match applied.effect {
            Effect::Changed | Effect::ChangedInPart => self.adopt_keys(realm),
            Effect::Renewed | Effect::AlreadyKnown | Effect::Staged => {}
        }
        Ok(applied)
    }

    /// Stores a section of a realm's state. `name`: its SHA-256, if the host has computed it
    /// ([`Revocations::provide_section_hashed_by_host`](crate::revocation::Revocations::provide_section_hashed_by_host)).
    ///
    /// # Errors
    /// The section is not missing here, or is invalid. Nothing has changed then.
    pub fn provide_section(
        &mut self,
        realm: usize,
        bytes: Vec<u8>,
        name: Option<[u8; 32]>,
    ) -> Result<Provided, FeedError> {
        let revocations = &mut self.realms.get_mut(realm).ok_or(FeedError::WrongRealm)?.revocations;
        let provided = match name {
            Some(name) => revocations.provide_section_hashed_by_host(bytes, name)?,
            None => revocations.provide_section(bytes)?,
        };
        match provided {
            Provided::Committed => self.adopt_keys(realm),
            Provided::Stored => {}
        }
        Ok(provided)
    }

    /// Returns the position of a realm's state and the latest `now` of this gate. A replacement gate needs both.
    #[must_use]
    pub fn marks(&self, realm: usize) -> Option<(Marks, UnixSeconds)> {
        Some((self.realms.get(realm)?.revocations.marks(), self.latest))
    }

    /// Resumes a realm, and the clock, where a lost gate ended
    /// ([`Revocations::resume`](crate::revocation::Revocations::resume)). Keys and state have to be loaded again.
    pub fn resume(&mut self, realm: usize, marks: Marks, latest: UnixSeconds) {
        self.advance(latest);
        if let Some(realm) = self.realms.get_mut(realm) {
            realm.revocations.resume(marks);
        }
    }
}
