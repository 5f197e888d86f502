//! Several names of one issuer, tenants of a pattern, and tokens that name a party instead of an audience.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod fixtures;
mod gate_pair;

use fixtures::{but_for_the_feed, claims, realm, sign, token, HEADER, ISSUER, NOW};
use gate_pair::{key_set, ledger, verdict, ROOM};
use portcullis::gate::{Gate, KeysFrom};
use portcullis::keys::KeySource;
use portcullis::ledger::key::SigningKey;
use portcullis::ledger::{Event, NotBefore};
use portcullis::policy::{Audience, AuthorizedParty, IssuerNames, Policy, Profile, RevocationCheck, Subjects};
use portcullis::revocation::{Bounds, Form};
use portcullis::time::UnixSeconds;
use portcullis::verdict::{explain, judge, Accepted, CheckName, Outcome, Realm, Verdict};
use serde_json::{json, Value};

const OTHER: &str = "https://alias.example/realms/acme";
const PATTERN: &str = "https://login.example/{tid}/v2.0";

fn tenant_name(tenant: &str) -> String {
    PATTERN.replace("{tid}", tenant)
}

fn tenants(tenants: &[&str]) -> IssuerNames {
    let mut issuer = IssuerNames::new(PATTERN.into(), Some("tid".into()), Subjects::ByName);
    tenants.iter().for_each(|tenant| issuer.add(tenant_name(tenant), Some((*tenant).into())));
    issuer
}

fn realm_with(change: impl FnOnce(&mut Policy)) -> Realm {
    let mut realm = realm();
    change(&mut realm.policy);
    realm
}

fn judged(changes: &Value, realm: &Realm) -> &'static str {
    but_for_the_feed(&token(changes), std::slice::from_ref(realm), NOW)
}

// Names and tenants ---------------------------------------------------------------------------------------------------

#[test]
fn accepts_every_listed_name_and_no_other() {
    let realm = realm_with(|policy| policy.issuer = IssuerNames::several(&[ISSUER, OTHER], Subjects::ByName));
    assert_eq!(judged(&json!({}), &realm), "accepted");
    assert_eq!(judged(&json!({ "iss": OTHER }), &realm), "accepted");
    for iss in
        [json!("https://alias.example/realms/acm"), json!(""), json!(7), json!([ISSUER]), json!(format!("{OTHER}/"))]
    {
        assert_eq!(judged(&json!({ "iss": iss }), &realm), "wrong_issuer");
    }
}

#[test]
fn refuses_an_unlisted_tenant_and_a_contradicting_claim() {
    let realm = realm_with(|policy| policy.issuer = tenants(&["one", "two"]));
    let of = |issuer: &str, tid: Value| judged(&json!({ "iss": tenant_name(issuer), "tid": tid }), &realm);
    assert_eq!(of("one", json!("one")), "accepted");
    assert_eq!(of("two", json!("two")), "accepted");
    assert_eq!(of("three", json!("three")), "wrong_issuer");
    assert_eq!(of("three", json!("one")), "wrong_issuer");
    // The claim must be present, be a string, and match.
    for tid in [json!("two"), json!("ONE"), json!(""), json!(1), json!(["one"]), Value::Null] {
        assert_eq!(of("one", tid), "wrong_issuer");
    }
    assert_eq!(judged(&json!({ "iss": PATTERN, "tid": "{tid}" }), &realm), "wrong_issuer");
    // A `null` in the token itself.
    let text = claims(&json!({ "iss": tenant_name("one"), "tid": "%" })).replace("\"%\"", "null");
    assert_eq!(but_for_the_feed(&sign(HEADER, text), &[realm], NOW), "wrong_issuer");
}

/// Creates a gate whose origin has logged out alice under the first name.
fn gate_after_logout(issuer: IssuerNames) -> Gate {
    let signing_key = SigningKey::generate().unwrap();
    let feed_keys = vec![signing_key.public().clone()];
    let mut ledger = ledger(signing_key, issuer.id());
    for event in [
        Event::User { sub: "alice".into(), not_before: NotBefore::Now },
        Event::TokenVersion { sub: "versioned".into(), minimum: 3 },
    ] {
        ledger.stage(&event, NOW).unwrap();
        ledger.commit();
    }
    let policy =
        Policy { algorithms: realm().policy.algorithms, ..Policy::new(issuer, Audience::NotChecked, Profile::Generic) };
    let realm = Realm::new("acme", policy, feed_keys, Bounds::default());
    let mut gate = Gate::new(vec![(realm, KeysFrom::Caller)], ROOM);
    gate.set_keys(0, &key_set(&[fixtures::SECRET]), KeySource::Configuration, UnixSeconds::MAX).unwrap().unwrap();
    gate.apply_feed(0, &ledger.manifest(Form::NEWEST, NOW).unwrap(), NOW).unwrap();
    for name in gate.realm(0).unwrap().revocations.missing_sections() {
        gate.provide_section(0, ledger.section(&name).unwrap().to_vec(), None).unwrap();
    }
    gate
}

/// Returns the verdict; checks that it is the same from the cache.
fn found(gate: &mut Gate, changes: &Value) -> &'static str {
    let token = token(changes);
    let first = verdict(gate.find(token.as_bytes(), NOW));
    assert_eq!(verdict(gate.find(token.as_bytes(), NOW)), first);
    first
}

#[test]
fn equal_subjects_of_different_names_are_separate_unless_shared() {
    for (subjects, of_other) in [(Subjects::ByName, "accepted"), (Subjects::Same, "user_revoked")] {
        let mut gate = gate_after_logout(IssuerNames::several(&[ISSUER, OTHER], subjects));
        assert_eq!(found(&mut gate, &json!({})), "user_revoked");
        assert_eq!(found(&mut gate, &json!({ "sub": "bob" })), "accepted");
        assert_eq!(found(&mut gate, &json!({ "iss": OTHER })), of_other);
        assert_eq!(found(&mut gate, &json!({ "sub": "versioned" })), "version_revoked");
        let of_other = if subjects == Subjects::Same { "version_revoked" } else { "accepted" };
        assert_eq!(found(&mut gate, &json!({ "iss": OTHER, "sub": "versioned" })), of_other);
    }
}

#[test]
fn no_tenant_has_the_subjects_of_the_bare_realm() {
    let mut gate = gate_after_logout(tenants(&["one", "two"]));
    for tenant in ["one", "two"] {
        assert_eq!(found(&mut gate, &json!({ "iss": tenant_name(tenant), "tid": tenant })), "accepted");
    }
}

#[test]
fn one_name_or_fewer_tenants_keep_the_policy_digest_and_other_names_change_it() {
    let policy = |issuer| Policy::new(issuer, Audience::NotChecked, Profile::Generic);
    let one = policy(IssuerNames::from(ISSUER));
    assert_eq!(one.digest(), policy(IssuerNames::several(&[ISSUER], Subjects::ByName)).digest());
    assert_ne!(one.digest(), policy(IssuerNames::several(&[ISSUER, OTHER], Subjects::ByName)).digest());
    assert_eq!(policy(tenants(&["one"])).digest(), policy(tenants(&["one", "two"])).digest());
    let same = policy(IssuerNames::several(&[ISSUER, OTHER], Subjects::Same));
    let apart = policy(IssuerNames::several(&[ISSUER, OTHER], Subjects::ByName));
    assert_eq!(apart.differences_from(&same.field_digests()), ["sameSubjects"]);
    assert_eq!(same.differences_from(&apart.field_digests()), ["sameSubjects"]);
}

// Parties -------------------------------------------------------------------------------------------------------------

fn of_party(audience: Audience) -> Realm {
    let party =
        AuthorizedParty { any_of: vec!["demo".into(), "app".into()], access_token_claim: Some("session".into()) };
    realm_with(|policy| {
        policy.audience = audience;
        policy.authorized_party = Some(party);
    })
}

fn api() -> Audience {
    Audience::AnyOf(vec!["api".into()])
}

#[test]
fn a_token_without_an_audience_needs_the_party_and_a_mark_of_an_access_token() {
    let realm = of_party(api());
    // If `aud` is present, only `aud` counts.
    assert_eq!(judged(&json!({ "azp": "stranger" }), &realm), "accepted");
    assert_eq!(judged(&json!({ "aud": "other", "scope": "read" }), &realm), "wrong_audience");
    for aud in [json!([]), json!(""), json!([""])] {
        assert_eq!(judged(&json!({ "aud": aud, "scope": "read" }), &realm), "wrong_audience");
    }
    assert_eq!(judged(&json!({ "aud": null }), &realm), "wrong_audience");
    for sign in [
        json!({ "scope": "read" }),
        json!({ "token_use": "access" }),
        json!({ "typ": "Bearer" }),
        json!({ "session": "s" }),
    ] {
        let with = |more: Value| {
            let mut all = sign.clone();
            more.as_object().unwrap().iter().for_each(|(name, value)| all[name] = value.clone());
            all["aud"] = Value::Null;
            judged(&all, &realm)
        };
        assert_eq!(with(json!({})), "accepted", "{sign}");
        assert_eq!(with(json!({ "azp": "app" })), "accepted");
        assert_eq!(with(json!({ "azp": null, "client_id": "app" })), "accepted");
        assert_eq!(with(json!({ "azp": "stranger" })), "wrong_audience");
        // If both are present, both must match.
        assert_eq!(with(json!({ "client_id": "stranger" })), "wrong_audience");
        assert_eq!(with(json!({ "azp": "stranger", "client_id": "demo" })), "wrong_audience");
        assert_eq!(with(json!({ "azp": "", "client_id": "" })), "wrong_audience");
        assert_eq!(with(json!({ "azp": null })), "wrong_audience");
    }
    let typed = sign(r#"{"alg":"HS256","typ":"application/AT+JWT","kid":"test"}"#, claims(&json!({ "aud": null })));
    assert_eq!(but_for_the_feed(&typed, &[realm], NOW), "accepted");
}

#[test]
fn an_empty_claim_is_not_a_mark_of_an_access_token() {
    let realm = of_party(api());
    for claim in [
        json!({ "scope": "" }),
        json!({ "scope": "  " }),
        json!({ "scope": [] }),
        json!({ "scope": [""] }),
        json!({ "scope": [1] }),
        json!({ "scope": true }),
        json!({ "scope": {} }),
        json!({ "session": "" }),
        json!({ "typ": "JWT" }),
        json!({ "token_use": "Bearer" }),
    ] {
        let mut all = claim.clone();
        all["aud"] = Value::Null;
        assert_eq!(judged(&all, &realm), "wrong_audience", "{claim}");
    }
    // An ID token is refused because of its use, even with a scope.
    assert_eq!(judged(&json!({ "aud": null, "scope": "openid", "token_use": "id" }), &realm), "wrong_type");
}

#[test]
fn without_an_audience_every_token_needs_the_party() {
    let realm = of_party(Audience::NotChecked);
    assert_eq!(judged(&json!({ "scope": "read" }), &realm), "accepted");
    assert_eq!(judged(&json!({ "scope": "read", "aud": "other" }), &realm), "accepted");
    assert_eq!(judged(&json!({}), &realm), "wrong_audience");
    assert_eq!(judged(&json!({ "scope": "read", "azp": "stranger" }), &realm), "wrong_audience");
}

#[test]
fn explain_names_the_claims_that_were_checked() {
    let detail = |changes: &Value, realm: Realm| {
        let checks = explain(&token(changes), &[realm], NOW);
        checks.into_iter().find(|check| check.name == CheckName::Audience).unwrap().detail
    };
    assert_eq!(detail(&json!({}), realm()), None);
    assert_eq!(detail(&json!({}), of_party(api())).as_deref(), Some("aud was checked"));
    let party = Some("azp, client_id and the marks of an access token were checked");
    assert_eq!(detail(&json!({ "aud": null, "scope": "read" }), of_party(api())).as_deref(), party);
    assert_eq!(detail(&json!({ "scope": "read" }), of_party(Audience::NotChecked)).as_deref(), party);
}

// Without revocation --------------------------------------------------------------------------------------------------

#[test]
fn a_realm_without_revocation_checks_everything_else() {
    let realms = [realm_with(|policy| policy.revocation = RevocationCheck::Unchecked)];
    match judge(&token(&json!({})), &realms, NOW) {
        Verdict::Accepted(Accepted { sequence: 0, behind: false, .. }) => {}
        verdict => panic!("{verdict:?}"),
    }
    assert_eq!(judged(&json!({ "exp": NOW.get() - 60 }), &realms[0]), "expired");
    assert_eq!(judged(&json!({ "jti": null }), &realms[0]), "missing_claim");
    for check in explain(&token(&json!({})), &realms, NOW) {
        assert_eq!(check.outcome, Outcome::Passed);
        let is_left_out = matches!(check.name, CheckName::Feed | CheckName::Revocation | CheckName::Freshness);
        assert_eq!(check.detail.is_some_and(|text| text.contains("not checked")), is_left_out);
    }
}
