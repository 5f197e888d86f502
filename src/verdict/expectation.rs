//! Describes a failed check for people: the expected value and the value found. The latter is quoted from the token,
//! escaped to printable ASCII and truncated.

use super::checks::{self, MeantFor};
use super::observer::CheckName;
use super::realm::{KeysFrom, Realm, RealmKeys};
use super::reason::Reason;
use super::times::{at_most, relative};
use crate::claims::{ClaimError, ClaimSet, Claims};
use crate::name::digest;
use crate::policy::Policy;
use crate::time::UnixSeconds;
use crate::token::UntrustedToken;

/// Maximum number of bytes shown of a value.
const MAX_SHOWN: usize = 100;
/// Maximum number of values shown of a list.
const MAX_LISTED: usize = 5;

/// Writes the issuers of these realms and the one in a token that matches none of them. If only the tenant differs,
/// writes the tenants.
#[cold]
pub(super) fn write_issuers(text: &mut Text, claims: &ClaimSet<'_>, realms: &[Realm]) {
    let mut named_by = None;
    for policy in realms.iter().filter(|realm| !realm.is_vacant()).map(|realm| &realm.policy) {
        let claim = policy.claim_names.issuer.as_str();
        let issuer = claims.text(claim).unwrap_or_default();
        let number = policy.issuer.find(&issuer, digest(issuer.as_bytes()));
        let tenant = number.and_then(|number| policy.issuer.tenant(number));
        if let (Some(claim), Some(tenant)) = (policy.issuer.tenant_claim(), tenant) {
            text.open_list(claim, 1);
            text.list(tenant);
            return text.find(claims, claim);
        }
        named_by = named_by.or(Some(claim));
    }
    let Some(claim) = named_by else { return };
    text.open_list(claim, realms.iter().map(|realm| realm.policy.issuer.names().count()).sum());
    realms.iter().for_each(|realm| realm.policy.issuer.names().for_each(|name| text.list(name)));
    text.find(claims, claim);
}

/// Writes what a check of a realm expected and what the token has; nothing if the reason already says everything.
#[cold]
pub(super) fn write_expectation(
    text: &mut Text,
    token: &UntrustedToken<'_>,
    realm: &Realm,
    (check, reason): (CheckName, Reason),
    now: UnixSeconds,
) {
    let (policy, set) = (&realm.policy, token.unverified_claims());
    if check == CheckName::Type {
        text.expect_one_of("typ", checks::media_types(policy.profile));
        return text.find_string(token.header().media_type());
    }
    if check == CheckName::Key {
        return key(text, token, realm, reason, now);
    }
    let claims = match Claims::read(set, &policy.claim_names, policy.numeric_ids) {
        Ok(claims) => claims,
        Err(error) if check == CheckName::Claims => return malformed(text, set, error),
        Err(_) => return,
    };
    let is_missing = reason == Reason::MissingClaim;
    match check {
        CheckName::TokenUse => token_use(text, set, &claims, policy),
        CheckName::Binding => text.write(BOUND),
        CheckName::Audience => audience(text, set, &claims, policy),
        CheckName::Expiry if is_missing => text.miss(set, "exp"),
        CheckName::IssuedAt if is_missing => text.miss(set, "iat"),
        CheckName::NotBefore => {
            text.write(&relative("becomes valid", "", claims.not_before.unwrap_or_default(), now));
        }
        CheckName::Lifetime => text.write(LIFETIME_ADVICE),
        CheckName::RequiredClaims => text.miss(set, checks::first_missing(set, policy).unwrap_or_default()),
        CheckName::Login if is_missing => text.miss(set, "auth_time"),
        CheckName::Login if reason == Reason::LifetimeExceeded => {
            let age = now.since(claims.authenticated_at.unwrap_or_default());
            text.write(&at_most(realm.revocations.bounds().retention(), age));
        }
        CheckName::Feed if realm.revocations.position().is_none() => text.blame_feed(NOT_ARRIVED),
        CheckName::Revocation if reason == Reason::StaleFeed => text.blame_feed(SECTION_MISSING),
        CheckName::Freshness => text.blame_feed(""),
        CheckName::Form
        | CheckName::Realm
        | CheckName::Algorithm
        | CheckName::Type
        | CheckName::Key
        | CheckName::Signature
        | CheckName::Claims
        | CheckName::Expiry
        | CheckName::IssuedAt
        | CheckName::Login
        | CheckName::Feed
        | CheckName::Revocation => {}
    }
}

/// Describes a missing key. Feed and keys are loaded separately, so the text says which of them is the cause.
fn key(text: &mut Text, token: &UntrustedToken<'_>, realm: &Realm, reason: Reason, now: UnixSeconds) {
    match (&realm.keys, realm.keys_from) {
        (RealmKeys::Unavailable, KeysFrom::Feed) if reason == Reason::NoFeed => text.blame_feed(NOT_ARRIVED),
        (RealmKeys::Unavailable, KeysFrom::Feed) => text.blame_feed(": it has no usable key"),
        (RealmKeys::Unavailable, KeysFrom::Caller) => {
            text.write(KEYS_AT_FAULT);
            text.write("none has been loaded");
        }
        (RealmKeys::Loaded { usable_until, .. }, _) if now > *usable_until => {
            text.write(KEYS_AT_FAULT);
            text.write(&relative("", "they expired", *usable_until, now));
        }
        (RealmKeys::Loaded { keys, .. }, _) if reason == Reason::UnknownKey => {
            let ids = || keys.iter().filter_map(|key| key.id());
            text.open_list("kid", ids().count());
            ids().for_each(|id| text.list(id));
            text.find_string(token.header().key_id());
        }
        (RealmKeys::Loaded { .. }, KeysFrom::Feed | KeysFrom::Caller) => {}
    }
}

fn malformed(text: &mut Text, set: &ClaimSet<'_>, error: ClaimError<'_>) {
    match error {
        ClaimError::WrongType { claim, expected } => {
            [claim, ": expected ", expected.text(), FOUND, set.kind(claim)].iter().for_each(|part| text.write(part));
        }
        ClaimError::NameTooLong { claim } => {
            text.write(claim);
            text.write(": expected at most 1024 bytes; found more");
        }
    }
}

fn token_use(text: &mut Text, set: &ClaimSet<'_>, claims: &Claims<'_>, policy: &Policy) {
    let (claim, expected) = if !checks::is_access_use(claims) {
        (policy.claim_names.token_use.as_str(), checks::ACCESS_USES)
    } else if !checks::is_access_kind(claims, policy.profile) {
        ("typ", checks::access_kinds(policy.profile))
    } else {
        return;
    };
    text.expect_one_of(claim, expected);
    text.find(set, claim);
}

fn audience(text: &mut Text, set: &ClaimSet<'_>, claims: &Claims<'_>, policy: &Policy) {
    match checks::meant_for(set, policy) {
        MeantFor::Anybody => {}
        MeantFor::Audience(ours) => {
            text.expect_one_of("aud", ours);
            text.write(FOUND);
            text.listed = 0;
            claims.audience.iter().for_each(|name| text.list(name));
            if claims.audience.is_empty() {
                text.write("nothing");
            }
        }
        MeantFor::Party(party) if checks::is_party(claims, party) => text.write(NO_ACCESS_SIGN),
        MeantFor::Party(party) => {
            let is_ours =
                claims.authorized_party.as_deref().is_some_and(|client| checks::is_among(&party.any_of, client));
            let claim = if is_ours { "client_id" } else { "azp" };
            text.expect_one_of(claim, &party.any_of);
            text.find(set, claim);
        }
    }
}

/// A detail under construction, such as `claim: expected one of "a", "b"; found "c"`.
#[derive(Default)]
pub(super) struct Text {
    text: String,
    /// Number of values in the current list.
    listed: usize,
}

impl Text {
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Writes the start of a list of expected values.
    fn open_list(&mut self, claim: &str, count: usize) {
        self.write(claim);
        self.write(match count {
            0 => ": expected nothing",
            1 => ": expected ",
            _ => ": expected one of ",
        });
    }

    fn expect_one_of(&mut self, claim: &str, expected: &[impl AsRef<str>]) {
        self.open_list(claim, expected.len());
        expected.iter().for_each(|value| self.list(value.as_ref()));
    }

    /// Writes the value of a string claim, or the JSON type of another claim.
    fn find(&mut self, set: &ClaimSet<'_>, claim: &str) {
        match set.text(claim) {
            Some(value) => self.find_string(Some(&value)),
            None => {
                self.write(FOUND);
                self.write(set.kind(claim));
            }
        }
    }

    fn find_string(&mut self, value: Option<&str>) {
        self.write(FOUND);
        match value {
            Some(value) => self.quote(value),
            None => self.write("nothing"),
        }
    }

    fn miss(&mut self, set: &ClaimSet<'_>, claim: &str) {
        self.write(claim);
        self.write(if set.contains(claim) { " is empty" } else { " is missing" });
    }

    fn blame_feed(&mut self, fault: &str) {
        self.write("the cause is the feed, not the keys");
        self.write(fault);
    }

    /// Writes one more value of a list.
    #[inline(never)]
    fn list(&mut self, value: &str) {
        self.listed += 1;
        if self.listed > MAX_LISTED + 1 {
            return;
        }
        if self.listed > 1 {
            self.write(", ");
        }
        match self.listed > MAX_LISTED {
            true => self.write("..."),
            false => self.quote(value),
        }
    }

    /// Writes a quoted value; a byte that is not printable ASCII becomes `\xff`.
    #[inline(never)]
    fn quote(&mut self, value: &str) {
        self.text.push('"');
        for byte in value.bytes().take(MAX_SHOWN) {
            if matches!(byte, b'"' | b'\\') {
                self.text.push('\\');
            }
            if matches!(byte, b' '..=b'~') {
                self.text.push(char::from(byte));
            } else {
                self.write("\\x");
                [byte >> 4, byte & 15]
                    .into_iter()
                    .filter_map(|digit| char::from_digit(digit.into(), 16))
                    .for_each(|digit| self.text.push(digit));
            }
        }
        self.write(if value.len() > MAX_SHOWN { "\"..." } else { "\"" });
    }

    #[inline(never)]
    fn write(&mut self, text: &str) {
        self.text.push_str(text);
    }
}

const FOUND: &str = "; found ";
const BOUND: &str = "bound to a key of the client (cnf), but this gate checks no proof of possession";
const NO_ACCESS_SIGN: &str = "expected a mark of an access token (see authorizedParty); found none";
const LIFETIME_ADVICE: &str =
    "shorten its lifetime, or raise maxLifetimeSeconds at origin and gate, to at most 3456000 s (40 days)";
const NOT_ARRIVED: &str = ": nothing has arrived yet";
const SECTION_MISSING: &str = ": a section has not arrived";
const KEYS_AT_FAULT: &str = "the cause is the keys, not the feed: ";
