//! The bound on `iat` that an origin publishes: not further ahead than a logout reaches.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod pair;

use pair::*;
use portcullis::ledger::{Clocks, Event, Ledger, LedgerSettings, Row};
use portcullis::revocation::{Bounds, Form};
use portcullis::time::Seconds;

/// Creates a ledger for an issuer that may be ahead by `issuer_skew`, with bounds that allow `skew`.
fn ledger_with(issuer_skew: u64, skew: u64) -> Ledger {
    let bounds = Bounds { skew: Seconds::new(skew), ..Bounds::default() };
    Ledger::new(LedgerSettings { bounds, issuer_skew: Seconds::new(issuer_skew), ..settings() }).unwrap()
}

fn record_by(ledger: &mut Ledger, event: &Event, lead: u64) -> Option<Row> {
    let clocks = Clocks { now: at(NOW), issuer_lead: Seconds::new(lead) };
    let row = ledger.stage_by(event, clocks).unwrap().row;
    ledger.commit();
    row
}

#[test]
fn the_bound_is_the_lead_that_the_issuer_may_have() {
    for (issuer_skew, skew, lead, published) in [
        (2, 5, 0, 2),
        (2, 5, 1, 2),
        (2, 5, 4, 4),
        (2, 5, 5, 5),
        (2, 5, 900, 5),
        // The development issuer shares the origin's clock, but a gate's clock does not tick at the same moment.
        (0, 5, 0, 1),
        (0, 5, 1, 1),
        // The setting is greater than the bounds' skew.
        (2, 1, 0, 1),
        (2, 1, 4, 1),
        (2, 0, 4, 0),
        (9, 5, 0, 5),
    ] {
        let mut ledger = ledger_with(issuer_skew, skew);
        assert!(record_by(&mut ledger, &Event::Bounds, lead).is_some());
        let bounds = Bounds { skew: Seconds::new(published), ..Bounds::default() };
        assert_eq!(ledger.stats().bounds, bounds, "{issuer_skew} {skew} {lead}");
        for form in [Form::V1_0, Form::V1_1] {
            let mut edge = edge();
            load_in(form, &mut edge, &mut ledger, NOW);
            assert_eq!(edge.bounds(), bounds, "{issuer_skew} {skew} {lead}");
        }
    }
}

/// A token that a gate accepts before the user's logout is refused after it, for every measured lead.
#[test]
fn refuses_after_a_logout_every_token_accepted_before_it() {
    for issuer_skew in [0, 1, 2, 5] {
        for lead in 0..8 {
            let (mut ledger, mut edge) = (ledger_with(issuer_skew, 5), edge());
            record_by(&mut ledger, &Event::Bounds, lead);
            load(&mut edge, &mut ledger, NOW);
            record_by(&mut ledger, &user("u"), lead);
            follow(&mut edge, &ledger, NOW).unwrap();
            let furthest = edge.bounds().skew.get();
            // Without a lead, the extra second is the gate's own tick.
            let reached = if issuer_skew.max(lead) == 0 { furthest - 1 } else { furthest };
            assert!(is_revoked(&edge, &of_user("u", NOW + reached)), "{issuer_skew} {lead}");
        }
    }
}

#[test]
fn follows_the_measured_lead_and_records_changes() {
    let (mut ledger, mut edge) = (ledger_with(2, 5), edge());
    record_by(&mut ledger, &Event::Bounds, 0).unwrap();
    load(&mut edge, &mut ledger, NOW);
    for (lead, news, published) in
        [(1, false, 2), (3, true, 3), (3, false, 3), (60, true, 5), (7, false, 5), (0, true, 2)]
    {
        let row = record_by(&mut ledger, &Event::Bounds, lead);
        assert_eq!(row.is_some(), news, "{lead}");
        assert!(row.is_none_or(|row| row.keep_until.is_none()));
        assert_eq!(ledger.stats().bounds.skew, Seconds::new(published));
        if news {
            let narrower = edge.bounds().skew.min(Seconds::new(published));
            follow(&mut edge, &ledger, NOW).unwrap();
            // A delta only narrows bounds; the rest takes a manifest.
            assert!(edge.wants_manifest());
            assert_eq!(edge.bounds().skew, narrower);
            load(&mut edge, &mut ledger, NOW);
        }
        assert_eq!(edge.bounds(), Bounds { skew: Seconds::new(published), ..Bounds::default() });
    }
}

#[test]
fn the_bound_does_not_change_retention() {
    let mut ledger = ledger_with(0, 5);
    record_by(&mut ledger, &Event::Bounds, 0).unwrap();
    assert_eq!(ledger.stats().bounds.margin(), Seconds::new(6));
    let row = record_by(&mut ledger, &user("u"), 0).unwrap();
    assert_eq!(row.keep_until, Some(at(NOW + LIFETIME + MARGIN)));
    assert_eq!(ledger.prune(at(NOW + LIFETIME + MARGIN - 1)), 0);
    assert_eq!(ledger.prune(at(NOW + LIFETIME + MARGIN)), 1);
}

#[test]
fn a_restart_publishes_the_recorded_bound_until_the_next_measurement() {
    let mut before = ledger_with(2, 5);
    let rows: Vec<Row> = [0, 4].into_iter().filter_map(|lead| record_by(&mut before, &Event::Bounds, lead)).collect();
    let mut after = ledger_with(2, 5);
    rows.iter().for_each(|row| after.restore(row).unwrap());
    assert_eq!(after.stats().bounds.skew, Seconds::new(4));
    assert!(record_by(&mut after, &Event::Bounds, 0).is_some());
    assert_eq!(after.stats().bounds.skew, Seconds::new(2));
    // A store from before this bound existed, with smaller settings since then.
    let mut old = ledger_with(5, 5);
    let row = record_by(&mut old, &Event::Bounds, 0).unwrap();
    let mut smaller = ledger_with(2, 1);
    smaller.restore(&row).unwrap();
    assert_eq!(smaller.stats().bounds.skew, Seconds::new(1));
}
