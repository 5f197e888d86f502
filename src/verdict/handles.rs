//! Tokens that are at the host, by number: the boundary cannot lend them out.

use super::Pending;

/// So many may be at the host at once. When one more goes there an earlier one is forgotten, and its caller begins again.
pub const MAX_HANDLES: usize = 256;

/// Names one token at the host, once.
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

/// The tokens at the host, which may come back in any order. Some never do: a request that is cancelled takes the rest of its
/// work along. So the room is a ring, and what was left there goes when the ring is full and comes round.
#[derive(Debug, Default)]
pub struct Handles {
    ring: Vec<Option<(Handle, Pending)>>,
    next: u32,
}

impl Handles {
    /// Keeps a token until it is taken back.
    pub fn put(&mut self, pending: Pending) -> Handle {
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

    /// The next handle whose place nobody has.
    fn next_free(&self) -> Option<Handle> {
        let mut later = (0..).take(MAX_HANDLES).map(|ahead| Handle(self.next.wrapping_add(ahead)));
        later.find(|handle| matches!(self.ring.get(place(*handle)), None | Some(None)))
    }

    /// A token that is kept.
    #[must_use]
    pub fn get(&self, handle: Handle) -> Option<&Pending> {
        match self.ring.get(place(handle))? {
            Some((kept, pending)) if *kept == handle => Some(pending),
            Some(_) | None => None,
        }
    }

    /// Gives a token back. `None`: it was given back before, or was the oldest when there was no room.
    pub fn take(&mut self, handle: Handle) -> Option<Pending> {
        let slot = self.ring.get_mut(place(handle))?;
        let (_, pending) = slot.take_if(|(kept, _)| *kept == handle)?;
        Some(pending)
    }
}

const fn place(handle: Handle) -> usize {
    handle.0 as usize % MAX_HANDLES
}
