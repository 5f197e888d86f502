//! `explain` lists every check, gives the same reason as the verdict, and adds details for people.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod fixtures;

use fixtures::{each_verdict_vector, realm, token, NOW};
use portcullis::verdict::{explain, CheckName, Outcome};
use portcullis::verdict::{judge, Reason, Verdict};
use serde_json::{json, Value};

#[test]
fn explain_agrees_with_judge_on_every_vector() {
    each_verdict_vector(|realms, text, now, comment| {
        let checks = explain(text, realms, now);
        assert_eq!(checks.iter().map(|check| check.name).collect::<Vec<_>>(), CheckName::ALL);
        let failed: Vec<Reason> = checks.iter().filter_map(|check| check.outcome.reason()).collect();
        match judge(text, realms, now) {
            Verdict::Refused(refused) => assert_eq!(failed, [refused.reason], "{comment}"),
            Verdict::Accepted(_) => assert_eq!(failed, [], "{comment}"),
        }
        let first = checks.iter().position(|check| check.outcome != Outcome::Passed).unwrap_or(checks.len());
        for check in checks.iter().skip(first + 1) {
            assert_eq!(check.outcome, Outcome::NotReached, "{comment}");
        }
    });
}

#[test]
fn explain_gives_details_for_people() {
    let realms = [realm()];
    let detail = |changes: &Value, name: CheckName| {
        explain(&token(changes), &realms, NOW).into_iter().find(|check| check.name == name).unwrap().detail.unwrap()
    };
    assert_eq!(detail(&json!({}), CheckName::Realm), "acme");
    assert_eq!(detail(&json!({}), CheckName::Algorithm), "HS256");
    assert_eq!(detail(&json!({}), CheckName::Expiry), "expires in 300 s");
    assert_eq!(detail(&json!({ "exp": NOW.get() - 60 }), CheckName::Expiry), "expired 60 s ago");
    assert_eq!(detail(&json!({}), CheckName::IssuedAt), "issued 10 s ago");
    assert_eq!(detail(&json!({ "iat": NOW.get() + 60 }), CheckName::IssuedAt), "will be issued in 60 s");
    assert_eq!(detail(&json!({}), CheckName::Lifetime), "expected at most 86400 s; found 310 s");
    assert_eq!(detail(&json!({ "jti": null }), CheckName::RequiredClaims), "jti is missing");
    let form = &explain("a.b", &realms, NOW)[0];
    assert_eq!((form.name, form.detail.as_deref()), (CheckName::Form, Some("not three parts")));
}
