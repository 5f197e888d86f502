//! Fuzzes tokens: arbitrary strings, and arbitrary headers and claims with a valid signature. Every way to judge a
//! token gives the same finding. An accepted token satisfies the policy according to a plain JSON parser, and can be
//! revoked.

use portcullis::claims::NumericIds;
use portcullis::keys::{KeySource, Keys};
use portcullis::ledger::{Clocks, Event, NotBefore};
use portcullis::policy::{Audience, AuthorizedParty, Compare, IssuerNames, Policy, Profile, Subjects};
use portcullis::revocation::{Bounds, Form};
use portcullis::signature::{Algorithm, Algorithms};
use portcullis::time::{Seconds, UnixSeconds};
use portcullis::verdict::{
    begin, begin_to_identify, explain, find, finish, finish_to_identify, identify, judge, CacheLimits, Check, Finding,
    HostOutcome, Identified, IdentifyError, Outcome, PendingSignatures, Progress, Realm, Reason, Verdict,
    VerifiedTokenCache,
};
use serde_json::{json, Value};

use crate::fixtures::{base64url, host_checks, loaded, policy_of, read_keys, sign, ISSUER, NOW, SECRET};
use crate::input::Input;
use crate::json::members;
use crate::pair::{feed_key, ledger_of};

/// Headers with which claims are signed; the input may also provide its own.
const HEADERS: [&str; 5] = [
    r#"{"alg":"HS256","kid":"fuzz"}"#,
    r#"{"alg":"HS256","typ":"JWT","kid":"fuzz"}"#,
    r#"{"alg":"HS256","typ":"at+jwt","kid":"fuzz"}"#,
    r#"{"alg":"HS256"}"#,
    "",
];
/// Times at which a token is judged, in seconds after the time of the vectors.
const TIMES: [u64; 4] = [0, 1, 299, 305];
const ROOM: CacheLimits = CacheLimits { entries: 4, bytes: 1 << 20 };

/// A policy and its keys, with a loaded, empty state.
struct Setup {
    policy: Policy,
    keys: Keys,
    realms: [Realm; 1],
}

impl Setup {
    fn new(mut policy: Policy, jwks: &Value) -> Self {
        let allowed = policy.algorithms;
        let is_allowed = |one: &Algorithm| *one == Algorithm::HS256 || allowed.contains(*one);
        policy.algorithms = Algorithm::ALL.into_iter().filter(is_allowed).collect();
        policy.staleness.max_stale = Seconds::new(1_000);
        let mut jwks = jwks.clone();
        let own = json!({ "kty": "oct", "kid": "fuzz", "k": base64url(SECRET) });
        jwks["keys"].as_array_mut().unwrap().push(own);
        let keys = read_keys(&jwks, KeySource::Configuration, policy.rsa_default).keys;
        let realms = [realm(&policy, &keys, None)];
        Self { policy, keys, realms }
    }
}

/// Creates a realm that has loaded the state of a ledger with these events.
fn realm(policy: &Policy, keys: &Keys, event: Option<(Option<&str>, &Event)>) -> Realm {
    let mut realm = Realm::new("acme", policy.clone(), vec![feed_key()], Bounds::default());
    realm.keys = loaded(keys.clone());
    let mut ledger = ledger_of(policy.issuer.id());
    if let Some((issuer, event)) = event {
        let staged = ledger.stage_under(issuer, event, Clocks::at(NOW)).expect("an accepted name can be recorded");
        assert!(staged.row.is_some(), "an accepted token is worth recording");
        ledger.commit();
    }
    realm.revocations.apply(&ledger.manifest(Form::NEWEST, NOW).unwrap(), NOW).unwrap();
    for name in realm.revocations.missing_sections() {
        realm.revocations.provide_section(ledger.section(&name).unwrap()).unwrap();
    }
    realm
}

/// Returns the setups of the vectors, and some with other issuers, audiences and ids.
fn setups() -> Vec<Setup> {
    let vectors: Value = serde_json::from_str(include_str!("../vectors/verdicts.json")).unwrap();
    let groups = vectors["groups"].as_array().unwrap();
    let mut setups: Vec<Setup> =
        groups.iter().map(|group| Setup::new(policy_of(&group["realm"]), &group["jwks"])).collect();
    let jwks = json!({ "keys": [] });
    let plain = || Policy::new(ISSUER, Audience::AnyOf(vec!["api".into()]), Profile::Generic);
    let names = [ISSUER, "https://b.example"];
    setups.push(Setup::new(Policy { issuer: IssuerNames::several(&names, Subjects::ByName), ..plain() }, &jwks));
    let any_of = vec!["demo".into()];
    let authorized_party = Some(AuthorizedParty { any_of, access_token_claim: None });
    setups.push(Setup::new(Policy { authorized_party, ..plain() }, &jwks));
    setups.push(Setup::new(Policy { audience: Audience::NotChecked, max_token_bytes: 600, ..plain() }, &jwks));
    setups.push(Setup::new(Policy { numeric_ids: NumericIds::Accept, ..plain() }, &jwks));
    setups
}

/// The first byte selects the setup, the second the header (low half) and the time, the third the event that revokes an
/// accepted token. If bit 7 of the third is set, the token follows; otherwise the claims, after a header and its length
/// in one byte if it is not one of the list.
pub fn check(input: &[u8]) {
    thread_local!(static SETUPS: Vec<Setup> = setups());
    SETUPS.with(|setups| {
        let mut input = Input::new(input);
        let setup = &setups[usize::from(input.byte()) % setups.len()];
        let (how, event) = (input.byte(), input.byte());
        let now = NOW.plus(Seconds::new(TIMES[usize::from(how >> 4) % TIMES.len()]));
        if event & 0x80 != 0 {
            let text = input.rest();
            return match core::str::from_utf8(text) {
                Ok(token) => check_token(setup, token, now, event),
                Err(_) => assert!(find(text, &setup.realms, &mut VerifiedTokenCache::new(ROOM), now).is_err()),
            };
        }
        let header = match HEADERS[usize::from(how & 15) % HEADERS.len()] {
            "" => {
                let length = usize::from(input.byte());
                input.take(length)
            }
            listed => listed.as_bytes(),
        };
        check_token(setup, &sign(header, input.rest()), now, event);
    });
}

/// Realm, sequence, and whether the state is behind; or realm and reason.
type Told = Result<(usize, u64, bool), (Option<usize>, Reason)>;

/// The part of a finding that all ways to judge a token must agree on. They differ in how the signature was verified.
fn told(finding: Finding) -> Told {
    match finding {
        Ok(acceptance) => Ok((acceptance.realm, acceptance.sequence, acceptance.behind)),
        Err(refused) => Err((refused.realm, refused.reason)),
    }
}

fn check_token(setup: &Setup, token: &str, now: UnixSeconds, event: u8) {
    let realms = &setup.realms;
    let verdict = judge(token, realms, now);
    let expected = match &verdict {
        Verdict::Accepted(accepted) => Ok((accepted.realm, accepted.sequence, accepted.behind)),
        Verdict::Refused(refused) => Err((refused.realm, refused.reason)),
    };
    let mut cache = VerifiedTokenCache::new(ROOM);
    assert_eq!(told(find(token.as_bytes(), realms, &mut cache, now)), expected, "not cached yet");
    assert_eq!(told(find(token.as_bytes(), realms, &mut cache, now)), expected, "cached");
    let later = NOW.plus(Seconds::new(TIMES[usize::from(event >> 2) % TIMES.len()]));
    let uncached = find(token.as_bytes(), realms, &mut VerifiedTokenCache::new(CacheLimits::NOTHING), later);
    assert_eq!(told(find(token.as_bytes(), realms, &mut cache, later)), told(uncached), "cached, at another time");
    assert_eq!(by_host(setup, token, now), expected, "the host checks the signature");
    check_explanation(&explain(token, realms, now), expected.err().map(|(_, reason)| reason));

    let identified = identify(token, realms, now);
    assert_eq!(identified_by_host(setup, token, now), identified, "identified with the host's help");
    if let Verdict::Accepted(accepted) = verdict {
        assert!(token.len() <= setup.policy.max_token_bytes);
        let parts = format!("{}.{}", base64url(accepted.header_json()), base64url(accepted.claims_json()));
        assert_eq!(token.rsplit_once('.').map(|(parts, _)| parts), Some(&parts[..]));
        let read = members(accepted.header_json()).zip(members(accepted.claims_json()));
        let Some((header, claims)) = read else { return };
        check_policy(&setup.policy, &header, &claims, now);
        let identified = identified.expect("an accepted token can be identified");
        check_revocation(setup, token, &identified, text(&claims, &setup.policy.claim_names.issuer), event);
    }
}

fn by_host(setup: &Setup, token: &str, now: UnixSeconds) -> Told {
    let (mut cache, mut pending) = (VerifiedTokenCache::new(ROOM), PendingSignatures::default());
    let host: Algorithms = Algorithms::of(&[Algorithm::HS256]);
    told(match begin(token.as_bytes(), &setup.realms, &mut cache, &mut pending, host, now) {
        Progress::Decided(finding) => finding,
        Progress::AwaitingSignature { handle, .. } => {
            let pending = pending.take(handle).unwrap();
            let outcome: HostOutcome = host_checks(&pending);
            finish(pending, outcome, &setup.realms, &mut cache, now)
        }
    })
}

fn identified_by_host(setup: &Setup, token: &str, now: UnixSeconds) -> Result<Identified, IdentifyError> {
    let mut pending = PendingSignatures::default();
    let host: Algorithms = Algorithms::of(&[Algorithm::HS256]);
    match begin_to_identify(token, &setup.realms, &mut pending, host, now) {
        Progress::Decided(identified) => identified,
        Progress::AwaitingSignature { handle, .. } => {
            let pending = pending.take(handle).unwrap();
            finish_to_identify(&pending, host_checks(&pending), &setup.realms, now)
        }
    }
}

/// Checks that the first failed check has the verdict's reason, earlier ones have passed, and later ones were not
/// reached.
fn check_explanation(checks: &[Check], reason: Option<Reason>) {
    let failed = checks.iter().position(|check| matches!(check.outcome, Outcome::Failed(_)));
    assert_eq!(failed.and_then(|at| checks[at].outcome.reason()), reason);
    let (before, after) = checks.split_at(failed.unwrap_or(checks.len()));
    assert!(before.iter().all(|check| check.outcome == Outcome::Passed), "{checks:?}");
    assert!(after.iter().skip(1).all(|check| check.outcome == Outcome::NotReached), "{checks:?}");
}

/// Checks that the claims of an accepted token satisfy the policy.
fn check_policy(policy: &Policy, header: &[(String, Value)], claims: &[(String, Value)], now: UnixSeconds) {
    let bounds = Bounds::default();
    for members in [header, claims] {
        let is_once = |name: &String| members.iter().filter(|(other, _)| other == name).count() == 1;
        assert!(members.iter().all(|(name, _)| is_once(name)), "a member twice");
    }
    assert!(header.iter().all(|(name, _)| name != "crit" && name != "b64"));
    let algorithm = Algorithm::from_name(text(header, "alg").unwrap()).unwrap();
    assert!(policy.algorithms.contains(algorithm));

    let names = &policy.claim_names;
    assert!(policy.issuer.names().any(|name| Some(name) == text(claims, &names.issuer)));
    let time = |name: &str| given(claims, name).map(|value| value.as_f64().unwrap().max(0.0).floor());
    let (expires_at, issued_at) = (time("exp").unwrap(), time("iat").unwrap());
    let now = now.get() as f64;
    assert!(now < expires_at + bounds.leeway.get() as f64);
    assert!(issued_at <= now + bounds.skew.get() as f64);
    assert!(expires_at - issued_at <= bounds.max_lifetime.get() as f64);
    assert!(time("nbf").is_none_or(|not_before| not_before <= now + bounds.leeway.get() as f64));

    let ids = [&names.subject, &names.token_id, &names.session].map(String::as_str);
    for name in ids.into_iter().chain(["azp", "client_id"]).chain(names.grant.as_deref()) {
        let Some(id) = given(claims, name) else { continue };
        // `serde_json` reads `1.0`, `1e2` and `-0` as floating-point numbers.
        let is_number = id.as_i64().is_some_and(|id| id.unsigned_abs() < 1 << 53);
        let is_accepted = policy.numeric_ids == NumericIds::Accept && is_number;
        assert!(is_accepted || id.as_str().is_some_and(|id| id.len() <= 1_024), "{name} is not a valid name");
    }
    if let (Audience::AnyOf(ours), None) = (&policy.audience, &policy.authorized_party) {
        let theirs = given(claims, "aud").unwrap();
        let is_ours = |name: &Value| ours.iter().any(|ours| name == ours.as_str());
        assert!(is_ours(theirs) || theirs.as_array().is_some_and(|theirs| theirs.iter().any(is_ours)));
    }
    if policy.profile == Profile::Keycloak {
        assert_eq!(text(claims, "typ"), Some("Bearer"));
    }
    assert!(given(claims, "cnf").is_none(), "bound to a key");
    assert!(given(claims, &names.token_use).is_none_or(|usage| usage == "access" || usage == "Bearer"));
}

/// Checks that a name of an accepted token can be recorded, and that the token is refused then.
fn check_revocation(setup: &Setup, token: &str, identified: &Identified, issuer: Option<&str>, event: u8) {
    let Identified { token_id, subject, session, expires_at, issued_at, .. } = identified;
    let is_of_the_past = issued_at.is_some_and(|at| at <= NOW) && setup.policy.compare == Compare::IssuedAt;
    let event = match (event & 3, token_id, subject, session) {
        (0, Some(id), ..) => Event::Token { id: id.clone(), expires_at: *expires_at, issued_at: *issued_at },
        (1, Some(id), ..) => Event::Token { id: id.clone(), expires_at: None, issued_at: None },
        (2, _, Some(sub), _) if is_of_the_past => Event::User { sub: sub.clone(), not_before: NotBefore::Now },
        (3, .., Some(sid)) if is_of_the_past => {
            Event::Session { sid: sid.clone(), occurred_at: None, issued_at: *issued_at }
        }
        _ => return,
    };
    // Subjects under the first issuer name are recorded without it.
    let is_first = setup.policy.issuer.names().next() == issuer;
    let qualifier = issuer.filter(|_| !is_first && setup.policy.issuer.subjects() == Subjects::ByName);
    let realms = [realm(&setup.policy, &setup.keys, Some((qualifier, &event)))];
    match judge(token, &realms, NOW) {
        Verdict::Refused(refused) => assert!(
            matches!(
                refused.reason,
                // It may have been judged at a later time.
                Reason::TokenRevoked
                    | Reason::UserRevoked
                    | Reason::SessionRevoked
                    | Reason::IssuedInFuture
                    | Reason::NotYetValid
            ),
            "{:?}",
            refused.reason
        ),
        Verdict::Accepted(_) => panic!("accepted after it was revoked by {event:?}"),
    }
}

/// Returns a member unless it is `null`.
fn given<'v>(members: &'v [(String, Value)], name: &str) -> Option<&'v Value> {
    members.iter().find(|(known, _)| known == name).map(|(_, value)| value).filter(|value| !value.is_null())
}

fn text<'v>(members: &'v [(String, Value)], name: &str) -> Option<&'v str> {
    given(members, name).and_then(Value::as_str)
}
