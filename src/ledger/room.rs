//! Checks whether a record fits into a manifest with the rest of the exact state.

use crate::error::LedgerError;
use crate::revocation::wire::reader::{MAX_BANS, MAX_CLIENTS, MAX_CLIENT_ID_BYTES, MAX_KEY_NOT_BEFORES};

use super::record::{Fact, Merge, Record, SubjectName};
use super::stage::{About, CLIENT, KEY};
use super::Ledger;

/// Maximum bytes of all client ids: 2 MiB, half of the longest manifest.
pub const MAX_CLIENTS_BYTES: usize = 2 << 20;

impl Ledger {
    /// Refuses a record that would not fit into a manifest. A correction to 0 only frees space.
    pub(super) fn check_room(&self, record: &Record<'_>) -> Result<(), LedgerError> {
        match record.fact {
            Fact::NotBefore { not_before: 0, .. } => Ok(()),
            Fact::NotBefore { subject, .. } => match subject {
                SubjectName::Client(client) => self.check_client(client),
                SubjectName::Key(thumbprint) => self.check_key(thumbprint),
                SubjectName::User(..) | SubjectName::Session(..) | SubjectName::ClientSession(..) => Ok(()),
                SubjectName::Grant(..) | SubjectName::Realm => Ok(()),
            },
            Fact::Ban { .. } => match record.merge {
                Merge::Maximum => self.check_ban(),
                Merge::Replace => Ok(()),
            },
            Fact::TokenId { .. } | Fact::Version { .. } | Fact::Keys { .. } | Fact::Bounds { .. } => Ok(()),
        }
    }

    fn check_client(&self, client: &str) -> Result<(), LedgerError> {
        let clients = &self.state.exact.clients;
        if clients.contains_key(client) {
            return Ok(());
        }
        let staged = self.staged(|about| matches!(about, About::NotBefore(CLIENT, ..)));
        if clients.len() + staged >= MAX_CLIENTS {
            return Err(LedgerError::TooMany { limit: MAX_CLIENTS });
        }
        let bytes = clients.keys().map(|client| client.len()).sum::<usize>();
        let staged_bytes = staged.saturating_mul(MAX_CLIENT_ID_BYTES).saturating_add(client.len());
        if bytes.saturating_add(staged_bytes) > MAX_CLIENTS_BYTES {
            return Err(LedgerError::TooMany { limit: clients.len() });
        }
        Ok(())
    }

    fn check_key(&self, thumbprint: &[u8; 32]) -> Result<(), LedgerError> {
        let keys = &self.state.exact.key_not_befores;
        let staged = self.staged(|about| matches!(about, About::NotBefore(KEY, ..)));
        if !keys.contains_key(thumbprint) && keys.len() + staged >= MAX_KEY_NOT_BEFORES {
            return Err(LedgerError::TooMany { limit: MAX_KEY_NOT_BEFORES });
        }
        Ok(())
    }

    fn check_ban(&self) -> Result<(), LedgerError> {
        let staged = self.staged(|about| matches!(about, About::Ban(_)));
        if self.state.exact.bans.len() + staged >= MAX_BANS {
            return Err(LedgerError::TooMany { limit: MAX_BANS });
        }
        Ok(())
    }

    /// The number of subjects with a staged value. Some of them may be known already.
    fn staged(&self, is_such: impl Fn(&About) -> bool) -> usize {
        self.staged_values.keys().filter(|about| is_such(about)).count()
    }
}
