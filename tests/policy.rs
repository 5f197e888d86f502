//! Agreement of gate and origin: the same digest on both sides, and the names of the fields that differ.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod fixtures;

use std::collections::BTreeMap;

use fixtures::{policy_of, vectors};
use portcullis::policy::{
    AgreedField, Audience, Impersonation, IssuerNames, NumericIds, Policy, Profile, Subjects, DIGEST_VERSION,
};

#[test]
fn digests_match_the_vectors() {
    let file = vectors("policy-1.json");
    let mut digests = BTreeMap::<String, Vec<String>>::new();
    for vector in ["policies", "later"].iter().flat_map(|list| file[*list].as_array().unwrap()) {
        let digest = policy_of(&vector["realm"]).digest().to_string();
        let comment = vector["comment"].as_str().unwrap().to_owned();
        assert_eq!(digest, vector["digest"].as_str().unwrap(), "{comment}");
        let fields = policy_of(&vector["realm"]).field_digests();
        let fields = fields.iter().map(|field| format!("{:08x}", u32::from_be_bytes(*field)));
        let stated = vector["fields"].as_array().unwrap().iter().map(|field| field.as_str().unwrap());
        assert_eq!(fields.collect::<Vec<_>>(), stated.collect::<Vec<_>>(), "{comment}");
        digests.entry(digest).or_default().push(comment);
    }
    // Policies that differ in a field have different digests.
    let shared: Vec<_> = digests.values().filter(|comments| comments.len() > 1).collect();
    let same = ["every default", "defaults that are written out", "what gate and origin need not agree on"];
    assert_eq!(shared, [&same.map(String::from).to_vec()]);
    assert_eq!(DIGEST_VERSION, 1);
}

#[test]
fn names_exactly_the_fields_that_differ() {
    let usual = Policy::new("https://issuer.example", Audience::NotChecked, Profile::Generic);
    for field in AgreedField::ALL {
        let mut other = usual.clone();
        let names = &mut other.claim_names;
        match field {
            AgreedField::LastLogoutTimeClaim => names.last_logout_time = "other".into(),
            AgreedField::SessionClaim => names.session = "other".into(),
            AgreedField::SubjectClaim => names.subject = "other".into(),
            AgreedField::TokenIdClaim => names.token_id = "other".into(),
            AgreedField::TokenUseClaim => names.token_use = "other".into(),
            AgreedField::TokenVersionClaim => names.token_version = "other".into(),
            AgreedField::Compare => other.compare = portcullis::policy::Compare::AuthTime,
            AgreedField::Issuer => other.issuer = "https://other.example".into(),
            AgreedField::IssuerClaim => names.issuer = "other".into(),
            AgreedField::Profile => other.profile = Profile::Keycloak,
            AgreedField::GrantClaim => names.grant = Some("other".into()),
            AgreedField::SameSubjects => {
                other.issuer = IssuerNames::several(&[usual.issuer.id()], Subjects::Same);
            }
            AgreedField::NumericIds => other.numeric_ids = NumericIds::Accept,
        }
        assert_eq!(usual.differences(&other), [field]);
        assert_eq!(other.differences(&usual), [field]);
        assert_ne!(usual.digest(), other.digest(), "{}", field.name());
        assert_eq!(usual.differences_from(&other.field_digests()), [field.name()]);
        assert_eq!(other.differences_from(&usual.field_digests()), [field.name()]);
        assert_eq!(other.differences_from(&other.field_digests()), [""; 0]);
    }
    let mut scoped = usual.clone();
    scoped.claim_names.scope = "scp".into();
    assert_eq!(usual.differences(&scoped), []);
    assert_eq!(usual.digest(), scoped.digest());
    let refusing = Policy { impersonation: Impersonation::Refuse, ..usual.clone() };
    assert_eq!(usual.differences(&refusing), []);
    assert_eq!(usual.digest(), refusing.digest());
}

#[test]
fn original_fields_come_first_in_alphabetical_order() {
    let (first, later) = AgreedField::ALL.split_at(10);
    assert!(first.is_sorted_by_key(|field| field.name()));
    assert_eq!(later, [AgreedField::GrantClaim, AgreedField::SameSubjects, AgreedField::NumericIds]);
}

#[test]
fn compares_policies_of_versions_with_fewer_or_more_fields() {
    let usual = Policy::new("https://issuer.example", Audience::NotChecked, Profile::Generic);
    let mut other = usual.clone();
    other.claim_names.grant = Some("app".into());
    let with_fewer = &usual.field_digests()[..10];
    assert_eq!(usual.differences_from(with_fewer), [""; 0]);
    assert_eq!(other.differences_from(with_fewer), ["grantClaim"]);
    other.issuer = IssuerNames::several(&["https://issuer.example"], Subjects::Same);
    // The statement of a version without `numericIds`.
    assert_eq!(other.field_digests().len(), 12);
    other.numeric_ids = NumericIds::Accept;
    assert_eq!(other.differences_from(&other.field_digests()[..12]), ["numericIds"]);
    let with_more = [other.field_digests(), vec![[0; 4]]].concat();
    assert_eq!(other.differences_from(&with_more), ["an option of a later version"]);
    assert_eq!(usual.differences_from(&[]).len(), 10);
}

#[test]
fn one_value_cannot_be_mistaken_for_two() {
    let named = |subject: &str, token_id: &str| {
        let mut policy = Policy::new("https://issuer.example", Audience::NotChecked, Profile::Generic);
        policy.claim_names.subject = subject.into();
        policy.claim_names.token_id = token_id.into();
        policy.digest()
    };
    assert_ne!(named("a", "bc"), named("ab", "c"));
    assert_ne!(named("sub", "jti"), named("jti", "sub"));
}
