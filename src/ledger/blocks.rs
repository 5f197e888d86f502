//! The blocks that manifests and deltas share.

use std::collections::BTreeMap;

use crate::revocation::lookup::exact::Exact;
use crate::revocation::message::statement::BlockKind;
use crate::revocation::{Bounds, Form, StatedPolicy};

use super::state::Generation;
use super::writer::Writer;

pub(crate) fn bounds_block(bounds: &Bounds) -> Writer {
    let mut block = Writer::default();
    block.varint(bounds.leeway.get()).varint(bounds.skew.get()).varint(bounds.max_lifetime.get());
    block.varint(bounds.max_session.map_or(0, |session| session.get().saturating_add(1)));
    block
}

pub(crate) fn generations_block(generations: impl IntoIterator<Item = Generation>) -> Writer {
    let by_number: BTreeMap<u32, Generation> =
        generations.into_iter().map(|generation| (generation.number, generation)).collect();
    let mut block = Writer::default();
    for generation in by_number.values() {
        block.u32(generation.number).bytes(&generation.hash.key().0);
    }
    block
}

pub(crate) fn policy_block(policy: Option<&StatedPolicy>) -> Writer {
    let mut block = Writer::default();
    if let Some(StatedPolicy { version, digest, fields }) = policy {
        block.u8(*version).bytes(digest).bytes(&fields.concat());
    }
    block
}

pub(crate) fn key_not_befores_block(exact: &Exact) -> Writer {
    let mut block = Writer::default();
    for (thumbprint, not_before) in exact.key_not_befores.iter() {
        block.bytes(thumbprint).varint(*not_before);
    }
    block
}

/// Writes the blocks of the exact state, except key not-befores. A form without them states the latest one as the
/// realm's not-before, which refuses more.
pub(crate) fn exact_blocks(writer: &mut Writer, exact: &Exact, form: Form) {
    let of_keys = match form {
        Form::V1_0 => exact.key_not_befores.values().max().copied(),
        Form::V1_1 => None,
    };
    let mut realm = Writer::default();
    if let Some(not_before) = exact.realm_not_before.max(of_keys) {
        realm.varint(not_before);
    }
    writer.block(BlockKind::Realm, &realm);
    let mut clients = Writer::default();
    for (client, not_before) in exact.clients.iter() {
        clients.count(client.len()).bytes(client.as_bytes()).varint(*not_before);
    }
    writer.block(BlockKind::Clients, &clients);
    let mut bans = Writer::default();
    exact.bans.keys().for_each(|thumbprint| {
        bans.bytes(thumbprint);
    });
    writer.block(BlockKind::Bans, &bans);
    writer.block(BlockKind::Keys, &Writer(exact.jwks.clone().unwrap_or_default()));
}
