//! Exports of the origin's module in addition to the edge's: the ledger, feed keys, and identification by the origin's
//! gate.

mod event;
mod feed_key;
mod identify;
mod issuer_key;
mod ledger;
mod ledger_options;
mod lookup;
mod object;
mod stats;
mod withdrawn;
