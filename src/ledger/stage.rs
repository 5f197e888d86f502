//! Turns an event into a row: resolves times, drops no-ops, computes retention.

use crate::error::LedgerError;
use crate::json::{read_items, read_object, Duplicates, Member};
use crate::name::MAX_NAME_BYTES;
use crate::revocation::lookup::fingerprint::Fingerprint;
use crate::revocation::position::INCARNATION_SHIFT;
use crate::revocation::wire::reader::{MAX_CLIENT_ID_BYTES, MAX_JWKS_BYTES};
use crate::revocation::wire::section::UNKNOWN_ISSUE_TIME;
use crate::time::UnixSeconds;

use super::change_log::Head;
use super::event::{Correction, Event};
use super::event_time::{Clocks, Decided, TimeTaken};
use super::record::{Fact, FilterKind, IssuerName, Merge, Place, Record, SubjectName};
use super::state::Generation;
use super::{chain, draw_generation, Ledger, Phase, Row, Staged};

/// Secret members of a JWK (RFC 7518 §6.2.2, §6.3.2, §6.4.1; RFC 8037 §2).
const SECRET_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

const USER: u8 = 1;
const SESSION: u8 = 2;
const CLIENT_SESSION: u8 = 3;
pub(super) const CLIENT: u8 = 4;
const REALM: u8 = 5;
const GRANT: u8 = 6;
pub(super) const KEY: u8 = 7;

/// An event with a row that is not in force yet.
#[derive(Clone)]
pub(crate) struct StagedEvent {
    pub(crate) head: Head,
    pub(crate) payload: Vec<u8>,
    /// A new hash key for not-befores, if one of them is corrected.
    pub(crate) generation: Option<Generation>,
}

/// The subject of an event, used to find earlier events about the same subject.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum About {
    TokenId(Place, Fingerprint),
    NotBefore(u8, Option<Box<str>>, Vec<u8>),
    Version(Option<Box<str>>, Vec<u8>),
    Ban([u8; 32]),
    Keys,
    Bounds,
}

impl Ledger {
    /// Stages an event and returns the row to store; the event is in force once committed. Returns `None` if it would
    /// refuse no acceptable token that is not refused already.
    ///
    /// The issuer's clock counts as not measured; [`Ledger::stage_by`] takes its measured lead.
    ///
    /// # Errors
    /// The event is refused; nothing is staged.
    pub fn stage(&mut self, event: &Event, now: UnixSeconds) -> Result<Option<Row>, LedgerError> {
        self.stage_by(event, Clocks::at(now)).map(|staged| staged.row)
    }

    /// Stages an event as [`Ledger::stage`] does, and returns how its time was used.
    ///
    /// # Errors
    /// The event is refused; nothing is staged.
    pub fn stage_by(&mut self, event: &Event, clocks: Clocks) -> Result<Staged, LedgerError> {
        self.stage_under(None, event, clocks)
    }

    /// Stages an event about a subject under one of the issuer's names, as gates look it up: `None` for the first name,
    /// and for all names if they share subjects ([`IssuerNames`](crate::policy::IssuerNames)).
    ///
    /// # Errors
    /// The event is refused; nothing is staged. A name with an event that is common to all names is refused too.
    pub fn stage_under(&mut self, issuer: Option<&str>, event: &Event, clocks: Clocks) -> Result<Staged, LedgerError> {
        if issuer == Some("") {
            return Err(LedgerError::EmptyName);
        }
        let (record, time) = self.decide(event, issuer, clocks)?;
        if record.as_ref().is_some_and(|record| record.fact.issuer() != issuer) {
            return Err(LedgerError::SameUnderAllNames);
        }
        let row = record.map(|record| self.stage_record(&record)).transpose()?.flatten();
        Ok(Staged { row, time })
    }

    fn stage_record(&mut self, record: &Record<'_>) -> Result<Option<Row>, LedgerError> {
        let (about, value) = self.about(record);
        if self.is_in_force(record, &about, value) {
            return Ok(None);
        }
        self.check_room(record)?;
        let previous = self.staged.last().map_or(self.head, |last| last.head);
        let sequence = previous.sequence + 1;
        if sequence >> INCARNATION_SHIFT != self.settings.incarnation {
            return Err(LedgerError::SequenceExhausted);
        }
        let payload = record.encode();
        let head = Head { sequence, chain: chain::next(previous.chain, &payload) };
        let keep_until = self.keep_until(record);
        let generation = self.generation_for(record, sequence)?;
        self.phase = Phase::Running;
        self.staged.push(StagedEvent { head, payload: payload.clone(), generation });
        self.staged_values.insert(about, value);
        Ok(Some(Row { sequence, keep_until, payload, chain: head.chain }))
    }

    fn decide<'e>(
        &self,
        event: &'e Event,
        issuer: IssuerName<'e>,
        clocks: Clocks,
    ) -> Result<(Option<Record<'e>>, TimeTaken), LedgerError> {
        let now = clocks.now;
        let mut time = TimeTaken::AsGiven;
        let mut dated = |subject, Decided { not_before, taken }: Decided| {
            time = taken;
            Fact::NotBefore { subject, not_before: not_before.get() }
        };
        let fact = match event {
            Event::Token { id, expires_at, issued_at } => {
                let id = checked_name(id)?;
                let Some((filter, latest_expiry)) = self.filter_for(*expires_at, *issued_at, now) else {
                    return Ok((None, time));
                };
                let issued_at = issued_at.map_or(UNKNOWN_ISSUE_TIME, UnixSeconds::get);
                Fact::TokenId { issuer, filter, latest_expiry, issued_at, id }
            }
            Event::Session { sid, occurred_at, issued_at } => dated(
                SubjectName::Session(issuer, checked_name(sid)?),
                self.settings.session_end(*occurred_at, *issued_at, clocks),
            ),
            Event::ClientSession { sid, azp, occurred_at, issued_at } => dated(
                SubjectName::ClientSession(issuer, checked_name(sid)?, checked_name(azp)?),
                self.settings.client_session_end(*occurred_at, *issued_at, clocks),
            ),
            Event::User { sub, not_before } => {
                dated(SubjectName::User(issuer, checked_name(sub)?), self.settings.not_before(*not_before, clocks))
            }
            Event::Client { client, not_before } => {
                dated(SubjectName::Client(checked_name(client)?), self.settings.not_before(*not_before, clocks))
            }
            Event::Realm { not_before } => dated(SubjectName::Realm, self.settings.not_before(*not_before, clocks)),
            Event::Grant { sub, client, not_before } => dated(
                SubjectName::Grant(issuer, checked_name(sub)?, checked_name(client)?),
                self.settings.not_before(*not_before, clocks),
            ),
            Event::KeyNotBefore { thumbprint, not_before } => {
                dated(SubjectName::Key(thumbprint), self.settings.not_before(*not_before, clocks))
            }
            Event::KeyBanned { thumbprint } => Fact::Ban { thumbprint },
            Event::TokenVersion { sub, minimum } => {
                Fact::Version { issuer, user: checked_name(sub)?, minimum: *minimum }
            }
            Event::Keys { jwks } => Fact::Keys { jwks: checked_jwks(jwks)? },
            Event::Bounds => {
                let retention = self.settings.bounds;
                let published = self.state.bounds_history.allowed(&retention, now);
                let published = self.settings.within_reach(&published, clocks.issuer_lead);
                Fact::Bounds { retention, published, refused_up_to: self.refused_up_to(now) }
            }
            Event::KeysWithdrawn => {
                let fact = Fact::Keys { jwks: &[] };
                return Ok((Some(Record { recorded_at: now, merge: Merge::Replace, fact }), time));
            }
            Event::Correction(correction) => {
                let fact = self.decide_correction(correction, issuer, now)?;
                return Ok((Some(Record { recorded_at: now, merge: Merge::Replace, fact }), time));
            }
        };
        let record = Record { recorded_at: now, merge: Merge::Maximum, fact };
        // A record that would be dropped at once refuses nothing.
        let is_over = self.keep_until(&record).is_some_and(|keep_until| keep_until <= now);
        Ok(((!is_over).then_some(record), time))
    }

    fn decide_correction<'e>(
        &self,
        correction: &'e Correction,
        issuer: IssuerName<'e>,
        now: UnixSeconds,
    ) -> Result<Fact<'e>, LedgerError> {
        let (subject, not_before) = match correction {
            Correction::User { sub, not_before } => (SubjectName::User(issuer, checked_name(sub)?), not_before),
            Correction::Session { sid, not_before } => (SubjectName::Session(issuer, checked_name(sid)?), not_before),
            Correction::ClientSession { sid, azp, not_before } => {
                (SubjectName::ClientSession(issuer, checked_name(sid)?, checked_name(azp)?), not_before)
            }
            Correction::Client { client, not_before } => (SubjectName::Client(checked_name(client)?), not_before),
            Correction::Realm { not_before } => (SubjectName::Realm, not_before),
            Correction::Grant { sub, client, not_before } => {
                (SubjectName::Grant(issuer, checked_name(sub)?, checked_name(client)?), not_before)
            }
            Correction::KeyNotBefore { thumbprint, not_before } => (SubjectName::Key(thumbprint), not_before),
            Correction::KeyBanned { thumbprint } => return Ok(Fact::Ban { thumbprint }),
            Correction::TokenVersion { sub, minimum } => {
                return Ok(Fact::Version { issuer, user: checked_name(sub)?, minimum: *minimum });
            }
        };
        let not_before = not_before.unwrap_or_default();
        // A corrected value replaces the recorded one, so a wrong one would undo a revocation.
        let latest = now.plus(self.settings.bounds.skew);
        if not_before > latest {
            return Err(LedgerError::NotBeforeInFuture { not_before: not_before.get(), latest: latest.get() });
        }
        Ok(Fact::NotBefore { subject, not_before: not_before.get() })
    }

    /// The filter for a token id, and its latest possible expiry; `None` if the token has expired everywhere.
    fn filter_for(
        &self,
        expires_at: Option<UnixSeconds>,
        issued_at: Option<UnixSeconds>,
        now: UnixSeconds,
    ) -> Option<(FilterKind, UnixSeconds)> {
        let bounds = &self.settings.bounds;
        // The latest expiry of any acceptable token that exists by now.
        let latest = now.plus(bounds.skew).plus(bounds.max_lifetime);
        let is_from_future = issued_at.is_some_and(|issued_at| issued_at > now.plus(bounds.skew));
        match expires_at {
            Some(expires_at) if expires_at.plus(bounds.margin()) <= now => None,
            Some(expires_at) if expires_at <= latest => Some((FilterKind::Bucket, expires_at)),
            // Acceptable only from its issue time on, so it is never dropped. Real issuers do not issue such tokens.
            Some(_) | None if is_from_future => Some((FilterKind::CatchAll, UnixSeconds::MAX)),
            Some(_) | None => Some((FilterKind::CatchAll, latest)),
        }
    }

    /// When the record stops refusing any acceptable token; `None`: never.
    fn keep_until(&self, record: &Record<'_>) -> Option<UnixSeconds> {
        let bounds = &self.settings.bounds;
        match record.fact {
            Fact::TokenId { latest_expiry: UnixSeconds::MAX, .. } => None,
            Fact::TokenId { latest_expiry, .. } => Some(latest_expiry.plus(bounds.margin())),
            Fact::NotBefore { subject: SubjectName::Client(_) | SubjectName::Realm | SubjectName::Key(_), .. } => None,
            Fact::NotBefore { subject, not_before } => {
                // A correction is kept as long as the row that it corrects, which may be staged with it.
                let corrected = match record.merge {
                    Merge::Maximum => 0,
                    Merge::Replace => {
                        let staged = self.staged_values.get(&self.about(record).0).copied().unwrap_or(0);
                        staged.max(self.state.not_before(subject))
                    }
                };
                let not_before = UnixSeconds::new(not_before.max(corrected));
                Some(not_before.plus(bounds.kept_for()))
            }
            Fact::Version { .. } | Fact::Ban { .. } | Fact::Keys { .. } | Fact::Bounds { .. } => None,
        }
    }

    /// The record's subject, and its value in the order of merging.
    fn about(&self, record: &Record<'_>) -> (About, u64) {
        match record.fact {
            Fact::TokenId { issuer, filter, latest_expiry, issued_at, id } => {
                let place = Place::of(filter, latest_expiry);
                (About::TokenId(place, self.state.token_fingerprint(issuer, id)), issued_at.saturating_add(1))
            }
            Fact::NotBefore { subject, not_before } => {
                let (kind, name) = match subject {
                    SubjectName::User(_, user) => (USER, user.as_bytes().to_vec()),
                    SubjectName::Session(_, sid) => (SESSION, sid.as_bytes().to_vec()),
                    SubjectName::ClientSession(_, sid, azp) => (CLIENT_SESSION, pair(sid, azp)),
                    SubjectName::Client(client) => (CLIENT, client.as_bytes().to_vec()),
                    SubjectName::Realm => (REALM, Vec::new()),
                    SubjectName::Grant(_, user, client) => (GRANT, pair(user, client)),
                    SubjectName::Key(thumbprint) => (KEY, thumbprint.to_vec()),
                };
                (About::NotBefore(kind, subject.issuer().map(Into::into), name), not_before)
            }
            Fact::Version { issuer, user, minimum } => {
                (About::Version(issuer.map(Into::into), user.as_bytes().to_vec()), minimum)
            }
            Fact::Ban { thumbprint } => (About::Ban(*thumbprint), u64::from(record.merge == Merge::Maximum)),
            Fact::Keys { .. } => (About::Keys, 1),
            Fact::Bounds { .. } => (About::Bounds, 1),
        }
    }

    /// Whether committed or staged events have the same effect already.
    fn is_in_force(&self, record: &Record<'_>, about: &About, value: u64) -> bool {
        let staged = self.staged_values.get(about).copied();
        let committed = self.state.value(record.fact);
        match (record.fact, record.merge) {
            (Fact::TokenId { .. }, _) => committed > 0 || staged >= Some(value),
            // A staged event may have another value.
            (Fact::Keys { .. } | Fact::Bounds { .. }, _) => committed > 0 && staged.is_none(),
            (Fact::NotBefore { .. } | Fact::Version { .. } | Fact::Ban { .. }, Merge::Maximum) => {
                staged.unwrap_or(committed) >= value
            }
            (Fact::NotBefore { .. } | Fact::Version { .. } | Fact::Ban { .. }, Merge::Replace) => {
                staged.unwrap_or(committed) == value
            }
        }
    }

    /// Draws a new hash key to publish a corrected not-before, so that no edge merges it with the mistaken one.
    fn generation_for(&self, record: &Record<'_>, sequence: u64) -> Result<Option<Generation>, LedgerError> {
        let is_epoch = match record.fact {
            Fact::NotBefore { subject, .. } => match subject {
                SubjectName::User(..) | SubjectName::Session(..) => true,
                SubjectName::ClientSession(..) | SubjectName::Grant(..) => true,
                SubjectName::Client(_) | SubjectName::Realm | SubjectName::Key(_) => false,
            },
            Fact::TokenId { .. } | Fact::Version { .. } | Fact::Ban { .. } => false,
            Fact::Keys { .. } | Fact::Bounds { .. } => false,
        };
        if !is_epoch || record.merge == Merge::Maximum {
            return Ok(None);
        }
        let taken = [self.state.of_tokens.number, self.state.of_epochs.number];
        draw_generation(self.state.realm, sequence, &taken).map(Some)
    }
}

/// Joins two names unambiguously.
fn pair(first: &str, second: &str) -> Vec<u8> {
    [&first.len().to_le_bytes(), first.as_bytes(), second.as_bytes()].concat()
}

/// Checks the length of a name. Rows of older versions may have longer ones, which no gate of this version accepts.
fn checked_name(name: &str) -> Result<&str, LedgerError> {
    match name.len() {
        0 => Err(LedgerError::EmptyName),
        1..=MAX_NAME_BYTES => Ok(name),
        length => Err(LedgerError::NameTooLong { length, limit: MAX_NAME_BYTES }),
    }
}

// A recorded client id fits into a manifest.
const _: () = assert!(MAX_NAME_BYTES <= MAX_CLIENT_ID_BYTES);

/// Checks that a JWK set has only public keys, since a feed is not secret. Refuses duplicate members, because two
/// readers might use different ones.
fn checked_jwks(jwks: &[u8]) -> Result<&[u8], LedgerError> {
    let read = |text| read_object(text, Duplicates::Refuse).map_err(|_| LedgerError::NotAJwks);
    if jwks.len() > MAX_JWKS_BYTES {
        return Err(LedgerError::NotAJwks);
    }
    let set = read(core::str::from_utf8(jwks).map_err(|_| LedgerError::NotAJwks)?)?;
    let keys = set.iter().find(|member| member.name == "keys").and_then(|member| member.value.array());
    let keys = read_items(keys.ok_or(LedgerError::NotAJwks)?, Duplicates::Refuse).map_err(|_| LedgerError::NotAJwks)?;
    for key in keys {
        let is_secret = |member: &Member<'_>| SECRET_MEMBERS.contains(&&*member.name);
        if read(key.text)?.iter().any(is_secret) {
            return Err(LedgerError::PrivateKey);
        }
    }
    Ok(jwks)
}
