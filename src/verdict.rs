//! A token in, a verdict out. The only file in which tokens and revocation state meet.

mod admitted;
mod answer;
mod checks;
mod facts;
mod handles;
mod host;
mod intake;
mod missing;
mod reason;
mod verified;
mod withdrawn;

pub use self::answer::{Accepted, Basis, Finding, Refused, Signature, Standing, Verdict};
pub use self::handles::{Handle, Handles, MAX_HANDLES};
pub use self::host::{begin, begin_to_explain, finish, host_needed, Begun, HostOutcome, Pending};
pub use self::intake::{begin_to_identify, finish_to_identify, identify, BegunIntake, Identified, IntakeError};
pub use self::missing::missing_sections;
pub use self::reason::Reason;
pub use self::verified::{CacheLimits, Entry, VerifiedTokens};
pub use self::withdrawn::{identify_withdrawn, WithdrawnKeys, WithdrawnToken, MAX_WITHDRAWN_KEYS};

/// What a host can check is said in these.
pub use crate::signature::{Algorithm, Algorithms};

use self::admitted::{admit, decode, prove, Admitted};
use self::facts::{Facts, Imprint};

use crate::claims::{ClaimSet, Claims};
use crate::explain::{CheckName, Observer, Unobserved};
use crate::keys::Keys;
use crate::policy::Policy;
use crate::revocation::{Bounds, FeedKey, Level, RealmId, Revocations, Status, Subject};
use crate::time::UnixSeconds;
use crate::token::TokenBytes;

/// Judges a token for whichever of `realms` issued it, at the time `now`.
///
/// The checks run in a fixed order and the first that fails gives the reason: form, realm, header, key, signature, claims,
/// revocation, freshness. When several realms would match, the first does.
#[must_use]
pub fn judge(token: &str, realms: &[Realm], now: UnixSeconds) -> Verdict {
    examine(token, realms, Prover::Here, now, &mut Unobserved)
}

/// Judges a token as [`judge`] does, but for the signature of a token that `verified` remembers: it is not computed again.
/// Everything that can change is looked at again, so the finding is the same.
///
/// # Errors
/// The token is refused.
pub fn find(token: &[u8], realms: &[Realm], verified: &mut VerifiedTokens, now: UnixSeconds) -> Finding {
    match recall(token, realms, verified, now) {
        Some(finding) => finding,
        None => find_afresh(token, realms, verified, now),
    }
}

/// Judges a token that `verified` remembers, and that is known by the entry alone, as [`find`] does. `None`: it is not
/// remembered any more, or its key is another now; then nothing is known of it and it must be judged from the beginning.
pub fn recheck(entry: Entry, realms: &[Realm], verified: &mut VerifiedTokens, now: UnixSeconds) -> Option<Finding> {
    let imprint = verified.imprint(entry)?;
    let realm = Some(imprint.realm());
    match reconsider(imprint, realms, now, Signature::Remembered(entry)) {
        Some(found) => Some(found.map_err(|reason| Refused::new(realm, reason))),
        None => {
            verified.forget(entry);
            None
        }
    }
}

/// One issuer: what it asks of a token, its keys, and what it has revoked.
#[derive(Debug)]
pub struct Realm {
    /// A short name for routes and reports.
    pub name: String,
    /// What it asks of a token.
    pub policy: Policy,
    /// Where its keys come from.
    pub keys_from: KeysFrom,
    /// Its keys.
    pub keys: RealmKeys,
    /// What it has revoked.
    pub revocations: Revocations,
}

impl Realm {
    /// A realm that knows its policy and nothing else: no keys, no revocation state. `feed_keys` are the pinned keys its
    /// feed is signed with.
    #[must_use]
    pub fn new(name: impl Into<String>, policy: Policy, feed_keys: Vec<FeedKey>, bounds: Bounds) -> Self {
        let revocations = Revocations::new(RealmId::of(&policy.issuer), feed_keys, bounds);
        Self { name: name.into(), policy, keys_from: KeysFrom::Caller, keys: RealmKeys::Unavailable, revocations }
    }

    /// The keys that may be used at `now`.
    ///
    /// # Errors
    /// [`Reason::NoFeed`] where the feed is to bring them and nothing of it has arrived: it is the feed that is missing, not
    /// the issuer. Otherwise [`Reason::KeysUnavailable`].
    fn keys_at(&self, now: UnixSeconds) -> Result<&Keys, Reason> {
        self.keys.usable_at(now).ok_or_else(|| match (&self.keys, self.keys_from, self.revocations.position()) {
            (RealmKeys::Unavailable, KeysFrom::Feed, None) => Reason::NoFeed,
            (RealmKeys::Unavailable | RealmKeys::Loaded { .. }, KeysFrom::Feed | KeysFrom::Caller, _) => {
                Reason::KeysUnavailable
            }
        })
    }
}

/// Where a realm's keys come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysFrom {
    /// The caller hands them in ([`Gate::set_keys`](crate::gate::Gate::set_keys)).
    Caller,
    /// The realm's feed carries them.
    Feed,
}

/// What a realm has for keys.
#[derive(Debug)]
pub enum RealmKeys {
    /// Never fetched, or given up.
    Unavailable,
    /// Keys that may be used as long as now is not beyond `usable_until`; for configured ones that is
    /// [`UnixSeconds::MAX`].
    Loaded {
        /// The keys.
        keys: Keys,
        /// The hard end of their use when they could not be fetched again.
        usable_until: UnixSeconds,
    },
}

impl RealmKeys {
    /// The keys, as long as they may be used.
    fn usable_at(&self, now: UnixSeconds) -> Option<&Keys> {
        match self {
            Self::Loaded { keys, usable_until } if now <= *usable_until => Some(keys),
            Self::Loaded { .. } | Self::Unavailable => None,
        }
    }
}

/// Whose word on the signature counts.
#[derive(Clone, Copy)]
pub(crate) enum Prover<'p> {
    /// This crate's.
    Here,
    /// The host's.
    Host(&'p Pending, HostOutcome),
}

/// The whole of a judgement; [`judge`] and [`explain`](crate::explain::explain) differ in who looks on.
pub(crate) fn examine(
    token: &str,
    realms: &[Realm],
    prover: Prover<'_>,
    now: UnixSeconds,
    observer: &mut impl Observer,
) -> Verdict {
    let bytes = match decode(token, realms, observer) {
        Ok(bytes) => bytes,
        Err(reason) => return Verdict::Refused(Refused::new(None, reason)),
    };
    let finding = admit(&bytes, realms, now, observer).and_then(|admitted| {
        let Admitted { index, realm, .. } = admitted;
        let proven = match prover {
            Prover::Here => prove(admitted),
            Prover::Host(pending, outcome) => host::prove(pending, outcome, admitted),
        };
        let basis = proven.as_ref().map_or_else(|unproven| unproven.basis, |_| Basis::Checked);
        let token = observer.check(CheckName::Signature, proven.map_err(|unproven| unproven.reason));
        let concluded = token.and_then(|token| {
            let claims = observe_claims(token.claims(), &realm.policy, observer)?;
            conclude(index, realm, token.claims(), &claims, now, observer)
        });
        concluded.map_err(|reason| Refused { realm: Some(index), reason, basis })
    });
    answer::verdict(bytes, finding)
}

/// The verdict on a token about which that was found.
pub(crate) fn verdict_on(token: &str, finding: Finding) -> Verdict {
    let malformed = Refused::new(None, Reason::Malformed);
    match finding.and_then(|standing| Ok((TokenBytes::decode(token, usize::MAX).map_err(|_| malformed)?, standing))) {
        Ok((bytes, standing)) => answer::verdict(bytes, Ok(standing)),
        Err(refused) => Verdict::Refused(refused),
    }
}

/// What is found about a token whose signature is remembered; `None`: it is not, or its key is another now.
fn recall(token: &[u8], realms: &[Realm], verified: &mut VerifiedTokens, now: UnixSeconds) -> Option<Finding> {
    recheck(verified.find(token)?, realms, verified, now)
}

fn find_afresh(token: &[u8], realms: &[Realm], verified: &mut VerifiedTokens, now: UnixSeconds) -> Finding {
    let nowhere = |reason| Refused::new(None, reason);
    let text = core::str::from_utf8(token).map_err(|_| nowhere(Reason::Malformed))?;
    let bytes = decode(text, realms, &mut Unobserved).map_err(nowhere)?;
    let admitted = admit(&bytes, realms, now, &mut Unobserved)?;
    find_admitted(text, admitted, verified, now)
}

/// Everything from the signature on, which is checked here.
fn find_admitted(text: &str, admitted: Admitted<'_, '_>, verified: &mut VerifiedTokens, now: UnixSeconds) -> Finding {
    let Admitted { index, realm, .. } = admitted;
    let here = |reason| Refused::new(Some(index), reason);
    // Read before the signature is checked, believed after.
    let claims = read_claims(admitted.token.unverified_claims(), &realm.policy);
    let imprint = match (admitted.candidates.as_slice(), &claims) {
        ([key], Ok(claims)) if verified.is_on() => Imprint::take(text, (index, realm), &admitted.token, claims, key),
        _ => None,
    };
    let token = prove(admitted).map_err(|unproven| unproven.of_realm(index))?;
    let claims = claims.map_err(here)?;
    let Some(imprint) = imprint else {
        return conclude(index, realm, token.claims(), &claims, now, &mut Unobserved).map_err(here);
    };
    verified.insert(imprint);
    weigh(index, realm, &Facts::of(&claims), now).map_err(here)
}

/// Everything about a token with a good signature that may have changed since it was checked: that its key is there and
/// still the only one it can be, bans, time, revocation, freshness. `None`: that key is not there any more, so the token
/// must be judged from the beginning.
fn reconsider(
    imprint: &Imprint,
    realms: &[Realm],
    now: UnixSeconds,
    signature: Signature,
) -> Option<Result<Standing, Reason>> {
    let realm = realms.get(imprint.realm())?;
    let keys = match realm.keys_at(now) {
        Ok(keys) => keys,
        Err(reason) => return Some(Err(reason)),
    };
    if !imprint.is_signed_by(keys.only_candidate(imprint.algorithm(), imprint.key_id())?) {
        return None;
    }
    if realm.revocations.bans(imprint.thumbprint()) {
        return Some(Err(Reason::BannedKey));
    }
    let standing = weigh(imprint.realm(), realm, &imprint.facts(), now);
    Some(standing.map(|standing| Standing { signature, ..standing }))
}

/// What [`conclude`] finds about a token of which an imprint could be taken: nothing is left but what may change.
fn weigh(index: usize, realm: &Realm, facts: &Facts<'_>, now: UnixSeconds) -> Result<Standing, Reason> {
    let times = current(realm, facts, now, &mut Unobserved)?;
    settle(index, realm, facts, times, now, &mut Unobserved)
}

fn read_claims<'j>(set: &ClaimSet<'j>, policy: &Policy) -> Result<Claims<'j>, Reason> {
    Claims::read(set, &policy.claim_names).map_err(|_| Reason::Malformed)
}

fn observe_claims<'j>(set: &ClaimSet<'j>, policy: &Policy, observer: &mut impl Observer) -> Result<Claims<'j>, Reason> {
    let claims = Claims::read(set, &policy.claim_names);
    if let Err(error) = &claims {
        observer.detail(CheckName::Claims, || error.to_string());
    }
    observer.check(CheckName::Claims, claims.map_err(|_| Reason::Malformed))
}

/// Everything after the signature: claims, revocation, freshness. Synchronous and complete, so that whatever happened
/// while a signature was being checked elsewhere is seen.
fn conclude(
    index: usize,
    realm: &Realm,
    set: &ClaimSet<'_>,
    claims: &Claims<'_>,
    now: UnixSeconds,
    observer: &mut impl Observer,
) -> Result<Standing, Reason> {
    let policy = &realm.policy;
    let facts = Facts::of(claims);
    observer.check(CheckName::Audience, checks::audience(claims, &policy.audience))?;
    let times = current(realm, &facts, now, observer)?;
    if let Some(name) = checks::first_missing(set, policy) {
        observer.detail(CheckName::RequiredClaims, || format!("{name} is missing"));
        return observer.check(CheckName::RequiredClaims, Err(Reason::MissingClaim));
    }
    observer.check(CheckName::RequiredClaims, Ok(()))?;
    observer.check(CheckName::TokenUse, checks::token_use(claims, policy.profile))?;
    observer.check(CheckName::Binding, checks::binding(claims))?;
    settle(index, realm, &facts, times, now, observer)
}

/// The times that every token has.
#[derive(Clone, Copy)]
struct Times {
    issued_at: UnixSeconds,
    expires_at: UnixSeconds,
}

/// The checks of the token's times.
fn current(realm: &Realm, facts: &Facts<'_>, now: UnixSeconds, observer: &mut impl Observer) -> Result<Times, Reason> {
    let bounds = realm.revocations.bounds();
    if let Some(expires_at) = facts.expires_at {
        observer.detail(CheckName::Expiry, || relative("expires", "expired", expires_at, now));
    }
    let expires_at = observer.check(CheckName::Expiry, checks::expiry(facts, bounds.leeway, now))?;
    observer.check(CheckName::NotBefore, checks::not_before(facts, bounds.leeway, now))?;
    if let Some(issued_at) = facts.issued_at {
        observer.detail(CheckName::IssuedAt, || relative("will be issued", "issued", issued_at, now));
    }
    let issued_at = observer.check(CheckName::IssuedAt, checks::issued_at(facts, bounds.skew, now))?;
    observer.detail(CheckName::Lifetime, || {
        format!("lives {}, at most {} are allowed", expires_at.since(issued_at), bounds.max_lifetime)
    });
    observer.check(CheckName::Lifetime, checks::lifetime(issued_at, expires_at, bounds.max_lifetime))?;
    Ok(Times { issued_at, expires_at })
}

/// The checks against the revocation state, and of its age.
fn settle(
    index: usize,
    realm: &Realm,
    facts: &Facts<'_>,
    times: Times,
    now: UnixSeconds,
    observer: &mut impl Observer,
) -> Result<Standing, Reason> {
    let policy = &realm.policy;
    let bounds = realm.revocations.bounds();
    let login = checks::Login { retention: bounds.retention(), leeway: bounds.leeway, skew: bounds.skew };
    let compared_at =
        observer.check(CheckName::Login, checks::compared_at(facts, times.issued_at, policy.compare, login, now))?;

    let subject = subject_of(facts, times, compared_at);
    let position = observer.check(CheckName::Feed, realm.revocations.position().ok_or(Reason::NoFeed))?;
    if let Some(logged_out_at) = facts.logged_out_at {
        let text = || relative("the last logout it knows of is", "the last logout it knows of was", logged_out_at, now);
        observer.detail(CheckName::Revocation, text);
    }
    observer.check(CheckName::Revocation, unrevoked(realm.revocations.status(&subject)))?;
    let age = now.since(position.issued_at);
    observer.detail(CheckName::Freshness, || {
        format!("sequence {}, {age} old, {} are allowed", position.sequence, policy.staleness.max_stale)
    });
    observer.check(CheckName::Freshness, checks::freshness(age, policy.staleness))?;

    let behind = facts.ledger_sequence.is_some_and(|known| known > position.sequence);
    Ok(Standing { realm: index, sequence: position.sequence, behind, signature: Signature::Checked })
}

/// What the revocation state is asked about.
fn subject_of<'c>(facts: &Facts<'c>, times: Times, compared_at: UnixSeconds) -> Subject<'c> {
    Subject {
        token_id: facts.token_id,
        user: facts.user,
        session: facts.session,
        authorized_party: facts.authorized_party,
        client_id: facts.client_id,
        issued_at: times.issued_at,
        compared_at,
        logged_out_at: facts.logged_out_at,
        expires_at: times.expires_at,
        token_version: facts.token_version,
    }
}

/// A time as people say it.
fn relative(coming: &str, gone: &str, time: UnixSeconds, now: UnixSeconds) -> String {
    match time > now {
        true => format!("{coming} in {}", time.since(now)),
        false => format!("{gone} {} ago", now.since(time)),
    }
}

fn unrevoked(status: Status) -> Result<(), Reason> {
    match status {
        Status::NotRevoked => Ok(()),
        Status::SectionUnavailable => Err(Reason::StaleFeed),
        Status::Revoked(level) => Err(level.into()),
    }
}

impl From<Level> for Reason {
    fn from(level: Level) -> Self {
        match level {
            Level::Realm => Self::RealmRevoked,
            Level::Client => Self::ClientRevoked,
            Level::User => Self::UserRevoked,
            Level::Session | Level::ClientSession => Self::SessionRevoked,
            Level::Version => Self::VersionRevoked,
            Level::Token => Self::TokenRevoked,
        }
    }
}
