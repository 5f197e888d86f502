//! What the origin's module has besides the edge's: the ledger, feed keys, and what its own gate can do besides judging.

mod event;
mod feed_key;
mod identify;
mod ledger;
mod ledger_options;
mod lookup;
mod object;
mod stats;
mod withdrawn;
