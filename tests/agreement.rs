//! A gate whose policy differs from the one its origin records with refuses every token and names the differing
//! options.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod fixtures;

use fixtures::{code, realm, token, NOW};
use portcullis::ledger::key::SigningKey;
use portcullis::ledger::{Event, Ledger, LedgerSettings, NotBefore};
use portcullis::policy::{AgreedField, Compare, IssuerNames, NumericIds, Policy, Profile, Subjects, WhenDiffering};
use portcullis::revocation::{Bounds, Effect, Form, StatedPolicy};
use portcullis::time::{Seconds, UnixSeconds};
use portcullis::verdict::{explain, judge, state_policy, Agreement, CheckName, Realm};
use serde_json::json;

fn policy() -> Policy {
    realm().policy
}

/// Creates an origin that states this policy.
fn origin(signing_key: SigningKey, policy: Option<StatedPolicy>) -> Ledger {
    let settings = LedgerSettings {
        issuer: fixtures::ISSUER.into(),
        signing_key,
        bounds: Bounds::default(),
        issuer_skew: Seconds::new(0),
        source_skew: Seconds::new(0),
        error_rate: 1e-6,
        valid_for: Seconds::new(300),
        policy,
        incarnation: 1,
    };
    Ledger::new(settings).unwrap()
}

/// Creates a gate's realm with one policy, loaded from an origin that states another.
fn follow(of_gate: Policy, of_origin: Option<StatedPolicy>, form: Form) -> Realm {
    let signing_key = SigningKey::generate().unwrap();
    let mut gate = Realm::new("acme", of_gate, vec![signing_key.public().clone()], Bounds::default());
    gate.keys = realm().keys;
    assert_eq!(gate.agreement(), Agreement::NotStated);
    let mut ledger = origin(signing_key, of_origin);
    gate.revocations.apply(&ledger.manifest(form, NOW).unwrap(), NOW).unwrap();
    gate
}

fn verdict(realm: &Realm) -> &'static str {
    code(&judge(&token(&json!({ "auth_time": NOW.get() - 10 })), std::slice::from_ref(realm), NOW))
}

fn feed_detail(realm: &Realm) -> Option<String> {
    let checks = explain(&token(&json!({ "auth_time": NOW.get() - 10 })), std::slice::from_ref(realm), NOW);
    checks.into_iter().find(|check| check.name == CheckName::Feed).unwrap().detail
}

#[test]
fn every_field_that_differs_refuses_and_is_named() {
    let same = follow(policy(), Some(state_policy(&policy())), Form::V1_1);
    assert_eq!((same.agreement(), verdict(&same), feed_detail(&same)), (Agreement::Same, "accepted", None));
    assert_eq!(same.policy_differences(), [""; 0]);
    for field in AgreedField::ALL {
        let mut other = policy();
        let names = &mut other.claim_names;
        match field {
            AgreedField::LastLogoutTimeClaim => names.last_logout_time = "secret value".into(),
            AgreedField::SessionClaim => names.session = "secret value".into(),
            AgreedField::SubjectClaim => names.subject = "secret value".into(),
            AgreedField::TokenIdClaim => names.token_id = "secret value".into(),
            AgreedField::TokenUseClaim => names.token_use = "secret value".into(),
            AgreedField::TokenVersionClaim => names.token_version = "secret value".into(),
            AgreedField::Compare => other.compare = Compare::AuthTime,
            AgreedField::Issuer => other.issuer = "https://secret.example".into(),
            AgreedField::IssuerClaim => names.issuer = "secret value".into(),
            AgreedField::Profile => other.profile = Profile::Rfc9068,
            AgreedField::GrantClaim => names.grant = Some("secret value".into()),
            AgreedField::SameSubjects => {
                other.issuer = IssuerNames::several(&[policy().issuer.id()], Subjects::Same);
            }
            AgreedField::NumericIds => other.numeric_ids = NumericIds::Accept,
        }
        let gate = follow(policy(), Some(state_policy(&other)), Form::V1_1);
        assert_eq!((gate.agreement(), verdict(&gate)), (Agreement::Differs, "no_feed"), "{}", field.name());
        assert_eq!(gate.policy_differences(), [field.name()]);
        let text = format!("the origin's policy differs in {}", field.name());
        assert_eq!(feed_detail(&gate), Some(text.clone()));
        let accepting = Policy { when_differing: WhenDiffering::Accept, ..policy() };
        let gate = follow(accepting, Some(state_policy(&other)), Form::V1_1);
        assert_eq!((gate.agreement(), verdict(&gate)), (Agreement::Differs, "accepted"), "{}", field.name());
        assert_eq!(feed_detail(&gate), Some(text));
    }
}

#[test]
fn several_fields_are_all_named() {
    let mut other = policy();
    other.compare = Compare::AuthTime;
    other.claim_names.grant = Some("app".into());
    let gate = follow(policy(), Some(state_policy(&other)), Form::V1_1);
    assert_eq!(gate.policy_differences(), ["compare", "grantClaim"]);
    assert_eq!(feed_detail(&gate).as_deref(), Some("the origin's policy differs in compare, grantClaim"));
}

#[test]
fn fields_that_may_differ_are_not_compared() {
    let mut other = policy();
    other.claim_names.scope = "scp".into();
    other.max_token_bytes = 99;
    other.when_differing = WhenDiffering::Accept;
    let gate = follow(policy(), Some(state_policy(&other)), Form::V1_1);
    assert_eq!((gate.agreement(), verdict(&gate)), (Agreement::Same, "accepted"));
}

#[test]
fn a_policy_that_is_not_stated_or_of_another_version_is_served() {
    let mut other = policy();
    other.compare = Compare::AuthTime;
    let of_later_version = StatedPolicy { version: 2, ..state_policy(&other) };
    for (stated, form, agreement) in [
        (None, Form::V1_1, Agreement::NotStated),
        // An older origin's form cannot state a policy.
        (Some(state_policy(&other)), Form::V1_0, Agreement::NotStated),
        (Some(of_later_version), Form::V1_1, Agreement::OtherVersion),
    ] {
        let gate = follow(policy(), stated, form);
        assert_eq!((gate.agreement(), verdict(&gate)), (agreement, "accepted"));
        assert_eq!((gate.policy_differences(), feed_detail(&gate)), (Vec::new(), None));
    }
}

/// Covers both a manifest and the first delta of a restarted origin.
#[test]
fn an_origin_restarted_with_another_policy() {
    let mut other = policy();
    other.compare = Compare::AuthTime;
    for by_delta in [true, false] {
        let signing_key = || SigningKey::from_jwk(JWK.as_bytes()).unwrap();
        let mut gate = Realm::new("acme", policy(), vec![signing_key().public().clone()], Bounds::default());
        gate.keys = realm().keys;
        let mut rows = Vec::new();
        let mut now = NOW;
        for (stated, agreement, expected) in [
            (policy(), Agreement::Same, "accepted"),
            (other.clone(), Agreement::Differs, "no_feed"),
            (policy(), Agreement::Same, "accepted"),
        ] {
            let mut ledger = origin(signing_key(), Some(state_policy(&stated)));
            rows.iter().for_each(|row| ledger.restore(row).unwrap());
            if let Some(position) = gate.revocations.position().filter(|_| by_delta) {
                let event = Event::User { sub: format!("user-{}", rows.len()), not_before: NotBefore::Now };
                rows.extend(ledger.stage(&event, now).unwrap());
                ledger.commit();
                let delta = ledger.delta(Form::V1_1, position.sequence, now).unwrap().bytes;
                gate.revocations.apply(&delta, now).unwrap();
            } else {
                gate.revocations.apply(&ledger.manifest(Form::V1_1, now).unwrap(), now).unwrap();
            }
            assert_eq!((gate.agreement(), verdict(&gate)), (agreement, expected), "by delta: {by_delta}");
            now = UnixSeconds::new(now.get() + 1);
        }
    }
}

/// As from a cache that stores both forms under one key.
#[test]
fn a_manifest_of_form_1_0_at_the_same_sequence_does_not_remove_the_policy() {
    let other = Policy { compare: Compare::AuthTime, ..policy() };
    let signing_key = SigningKey::from_jwk(JWK.as_bytes()).unwrap();
    let mut gate = Realm::new("acme", policy(), vec![signing_key.public().clone()], Bounds::default());
    gate.keys = realm().keys;
    let mut ledger = origin(signing_key, Some(state_policy(&other)));
    for (later, form) in [(0, Form::V1_1), (1, Form::V1_0), (2, Form::V1_1), (3, Form::V1_0)] {
        let now = UnixSeconds::new(NOW.get() + later);
        let effect = gate.revocations.apply(&ledger.manifest(form, now).unwrap(), now).unwrap().effect;
        assert_eq!(effect, if later == 0 { Effect::Changed } else { Effect::Renewed });
        assert_eq!(gate.revocations.form(), Some(Form::V1_1));
        assert_eq!((gate.agreement(), verdict(&gate)), (Agreement::Differs, "no_feed"));
    }
}

/// As from the first push of a restarted origin.
#[test]
fn a_later_manifest_of_form_1_0_does_not_remove_the_policy() {
    let other = Policy { compare: Compare::AuthTime, ..policy() };
    for (stated, agreement, expected) in
        [(other, Agreement::Differs, "no_feed"), (policy(), Agreement::Same, "accepted")]
    {
        let signing_key = SigningKey::from_jwk(JWK.as_bytes()).unwrap();
        let mut gate = Realm::new("acme", policy(), vec![signing_key.public().clone()], Bounds::default());
        gate.keys = realm().keys;
        let mut ledger = origin(signing_key, Some(state_policy(&stated)));
        for (later, form) in [(0, Form::V1_1), (1, Form::V1_0), (2, Form::V1_0), (3, Form::V1_1)] {
            let now = UnixSeconds::new(NOW.get() + later);
            let event = Event::User { sub: format!("user-{later}"), not_before: NotBefore::Now };
            ledger.stage(&event, now).unwrap();
            ledger.commit();
            let effect = gate.revocations.apply(&ledger.manifest(form, now).unwrap(), now).unwrap().effect;
            for name in gate.revocations.missing_sections() {
                gate.revocations.provide_section(ledger.section(&name).unwrap().to_vec()).unwrap();
            }
            assert!(matches!(effect, Effect::Changed | Effect::Staged), "{effect:?}");
            assert_eq!(gate.revocations.form(), Some(form));
            assert_eq!((gate.agreement(), verdict(&gate)), (agreement, expected), "after {form:?}");
        }
    }
}

/// RFC 8037 appendix A.1.
const JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
