//! Events: stages a batch and notes the expected effect of each event in the records.

use portcullis::ledger::{Clocks, Correction, Event, NotBefore};

use super::records::{key, Token, KEYS};
use super::{World, LEEWAY, LIFETIME, SKEW};
use crate::pair::at;

impl World {
    /// Stages a few events; the store may fail.
    pub(super) fn batch(&mut self) {
        let size = match self.below(2_000) {
            // Enough events to outgrow the sections.
            0..=1 => 2_000,
            2..=10 => 100 + self.below(300),
            _ => 1 + self.below(3),
        };
        let mut staged = Vec::new();
        let mut effects = Vec::new();
        for _ in 0..size {
            let Some(token) = self.some_token() else { continue };
            let Some((event, effect)) = self.some_event(&token) else { continue };
            self.operations += 1;
            let issuer = token.issuer.filter(|_| is_of_one_name(&event));
            match self.ledger.stage_under(issuer, &event, Clocks::at(at(self.now))).unwrap().row {
                Some(row) => {
                    effects.push((row.sequence, effect));
                    staged.push(row);
                }
                None => self.check_in_force(&effect, &effects),
            }
        }
        if self.below(20) == 0 {
            self.ledger.abort();
            assert_eq!(self.ledger.head(), self.head);
            return;
        }
        self.ledger.commit();
        for (sequence, effect) in effects {
            self.tally.events += 1;
            match effect {
                Effects::Token { id, expires_at } => {
                    self.records.tokens.entry(id).or_default().push((sequence, expires_at));
                }
                Effects::Maximum { key, value } => {
                    let value = value.max(self.records.value(&key, u64::MAX));
                    self.records.set(&key, sequence, value);
                }
                Effects::Replace { key, value } => self.records.set(&key, sequence, value),
                Effects::Ban { number, value } => {
                    self.records.bans.entry(number).or_default().push((sequence, value));
                }
                Effects::Nothing => {}
            }
        }
        if let Some(row) = staged.last() {
            self.head = (row.sequence, row.chain);
        }
        assert_eq!(self.ledger.head(), self.head);
        self.rows.extend(staged);
    }

    /// Checks that an event that the ledger did not record is in force already, or affects no acceptable token.
    fn check_in_force(&self, effect: &Effects, staged: &[(u64, Effects)]) {
        let is_staged = staged.iter().any(|(_, other)| match (effect, other) {
            (Effects::Token { id, .. }, Effects::Token { id: other, .. }) => id == other,
            (Effects::Maximum { key, value }, Effects::Maximum { key: other, value: staged }) => {
                key == other && staged >= value
            }
            (
                Effects::Replace { key, .. },
                Effects::Maximum { key: other, .. } | Effects::Replace { key: other, .. },
            )
            | (Effects::Maximum { key, .. }, Effects::Replace { key: other, .. }) => key == other,
            (Effects::Ban { number, .. }, Effects::Ban { number: other, .. }) => number == other,
            _ => false,
        });
        let is_in_force = match effect {
            Effects::Token { id, expires_at } => {
                let is_over = expires_at.is_some_and(|at| at + LEEWAY + SKEW <= self.now);
                is_over || self.records.tokens.contains_key(id)
            }
            Effects::Maximum { key, value } => {
                let is_over = value + LIFETIME + LEEWAY + SKEW <= self.now;
                is_over || self.records.value(key, u64::MAX) >= *value
            }
            Effects::Replace { key, value } => {
                let is_over = self.records.value(key, u64::MAX) + LIFETIME + LEEWAY + SKEW <= self.now;
                is_over || self.records.value(key, u64::MAX) == *value
            }
            Effects::Ban { .. } | Effects::Nothing => true,
        };
        assert!(is_staged || is_in_force, "an event got lost at {}", self.now);
    }

    fn some_event(&mut self, token: &Token) -> Option<(Event, Effects)> {
        let later = self.now + 2;
        let given = if self.below(3) == 0 { Some(self.now + 5 - self.below(40)) } else { None };
        let stated = match given {
            // A source may be ahead of the origin; a caller only by the skew.
            Some(given) if self.below(2) == 0 => NotBefore::Source(at(given)),
            Some(given) => NotBefore::Caller(at(given)),
            None => NotBefore::Now,
        };
        let not_before = given.unwrap_or(later);
        let ended = token.issued_at.max(self.now) + 60;
        let left = token.issued_at.max(later);
        let client = self.some_client(token);
        Some(match self.below(1_000) {
            0..=879 => {
                let expires_at = (self.below(10) > 0).then_some(token.expires_at);
                let issued_at = (self.below(10) > 0).then_some(at(token.issued_at));
                let event = Event::Token { id: token.id.clone(), expires_at: expires_at.map(at), issued_at };
                (event, Effects::Token { id: token.own_id(), expires_at })
            }
            880..=919 => {
                let event = Event::Session {
                    sid: token.session.clone(),
                    occurred_at: None,
                    issued_at: Some(at(token.issued_at)),
                };
                (event, Effects::Maximum { key: token.own_session(), value: ended })
            }
            920..=939 => {
                let key = token.own_client_session(&client);
                let (sid, azp) = (token.session.clone(), client);
                let event = Event::ClientSession { sid, azp, occurred_at: None, issued_at: Some(at(token.issued_at)) };
                (event, Effects::Maximum { key, value: left })
            }
            940..=960 => {
                let event = Event::User { sub: token.user.clone(), not_before: stated };
                (event, Effects::Maximum { key: token.own_user(), value: not_before })
            }
            961..=980 => {
                let key = token.own_grant(&client);
                self.records.name_grant(token, &client);
                let event = Event::Grant { sub: token.user.clone(), client, not_before: stated };
                (event, Effects::Maximum { key, value: not_before })
            }
            981..=982 => {
                let key = format!("client {client}");
                (Event::Client { client, not_before: stated }, Effects::Maximum { key, value: not_before })
            }
            983 if self.below(20) == 0 => {
                let event = Event::Realm { not_before: stated };
                (event, Effects::Maximum { key: "realm".into(), value: not_before })
            }
            // For readers of form 1.0, it is a not-before of the realm.
            984 if self.below(10) == 0 => {
                let thumbprint = [self.below(u64::from(KEYS)) as u8; 32];
                let event = Event::KeyNotBefore { thumbprint, not_before: stated };
                (event, Effects::Maximum { key: key(&thumbprint), value: not_before })
            }
            985 => {
                let number = self.below(40) as u8;
                (Event::KeyBanned { thumbprint: [number; 32] }, Effects::Ban { number, value: 1 })
            }
            986..=995 => {
                let minimum = self.records.value(&token.own_version(), u64::MAX) + self.below(2);
                let event = Event::TokenVersion { sub: token.user.clone(), minimum };
                (event, Effects::Maximum { key: token.own_version(), value: minimum })
            }
            996 => {
                let jwks = format!(r#"{{"keys":[{{"kid":"{}"}}]}}"#, self.below(1_000));
                (Event::Keys { jwks: jwks.into_bytes() }, Effects::Nothing)
            }
            997 if self.below(4) == 0 => self.some_correction(token),
            _ => return None,
        })
    }

    fn some_client(&mut self, token: &Token) -> String {
        let other = token.client_id.as_ref().filter(|_| self.below(2) == 0);
        other.unwrap_or(&token.client).clone()
    }

    fn some_correction(&mut self, token: &Token) -> (Event, Effects) {
        let value = if self.below(2) == 0 { None } else { Some(self.now - self.below(600)) };
        let not_before = value.map(at);
        let client = self.some_client(token);
        let (correction, key) = match self.below(9) {
            0..=1 => (Correction::User { sub: token.user.clone(), not_before }, token.own_user()),
            2 => {
                let key = token.own_session();
                (Correction::Session { sid: token.session.clone(), not_before }, key)
            }
            3 => {
                let key = token.own_client_session(&client);
                (Correction::ClientSession { sid: token.session.clone(), azp: client, not_before }, key)
            }
            4 => {
                let key = format!("client {client}");
                (Correction::Client { client, not_before }, key)
            }
            5 => {
                let key = token.own_grant(&client);
                self.records.name_grant(token, &client);
                (Correction::Grant { sub: token.user.clone(), client, not_before }, key)
            }
            6 => {
                let thumbprint = [self.below(u64::from(KEYS)) as u8; 32];
                (Correction::KeyNotBefore { thumbprint, not_before }, key(&thumbprint))
            }
            7 => {
                let number = self.below(40) as u8;
                let correction = Correction::KeyBanned { thumbprint: [number; 32] };
                return (Event::Correction(correction), Effects::Ban { number, value: 0 });
            }
            _ => {
                let correction = Correction::TokenVersion { sub: token.user.clone(), minimum: 1 };
                let key = token.own_version();
                return (Event::Correction(correction), Effects::Replace { key, value: 1 });
            }
        };
        (Event::Correction(correction), Effects::Replace { key, value: value.unwrap_or(0) })
    }
}

/// Whether the event applies to one issuer name and not to all.
fn is_of_one_name(event: &Event) -> bool {
    match event {
        Event::Token { .. } | Event::Session { .. } | Event::ClientSession { .. } => true,
        Event::User { .. } | Event::Grant { .. } | Event::TokenVersion { .. } => true,
        Event::Correction(correction) => match correction {
            Correction::User { .. } | Correction::Session { .. } | Correction::ClientSession { .. } => true,
            Correction::Grant { .. } | Correction::TokenVersion { .. } => true,
            Correction::Client { .. } | Correction::Realm { .. } => false,
            Correction::KeyNotBefore { .. } | Correction::KeyBanned { .. } => false,
        },
        Event::Client { .. } | Event::Realm { .. } | Event::KeyBanned { .. } | Event::KeyNotBefore { .. } => false,
        Event::Keys { .. } | Event::KeysWithdrawn | Event::Bounds => false,
    }
}

/// The expected effect of an event.
enum Effects {
    Token { id: String, expires_at: Option<u64> },
    Maximum { key: String, value: u64 },
    Replace { key: String, value: u64 },
    Ban { number: u8, value: u64 },
    Nothing,
}
