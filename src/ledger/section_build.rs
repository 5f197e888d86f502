//! The common part of all section builders: the head, and the manifest's entry for the result.

use crate::revocation::wire::section::{SectionEntry, SectionKind, SectionName, SECTION_MAGIC};

use super::writer::Writer;

/// The fields of a section's head; see [`SectionHead`](crate::revocation::wire::section::SectionHead).
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadFields {
    pub(crate) kind: SectionKind,
    pub(crate) form: u32,
    pub(crate) width: u32,
    pub(crate) bucket: u32,
    pub(crate) generation: u32,
    pub(crate) count: u32,
    pub(crate) capacity: u32,
    pub(crate) base: u64,
}

impl HeadFields {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let byte = |value: u32| u8::try_from(value).unwrap_or(u8::MAX);
        let mut writer = Writer::default();
        writer.bytes(&SECTION_MAGIC).u16(self.kind.number()).u8(byte(self.form)).u8(byte(self.width));
        writer.u32(self.bucket).u32(self.generation).u32(self.count).u32(self.capacity).u64(self.base);
        writer.0
    }

    /// The manifest's entry for a section with this head.
    pub(crate) const fn entry(
        &self,
        length: u32,
        name: SectionName,
        covers: u64,
        greatest_issued_at: u64,
    ) -> SectionEntry {
        SectionEntry {
            kind: self.kind,
            bucket: self.bucket,
            generation: self.generation,
            count: self.count,
            length,
            covers,
            greatest_issued_at,
            name,
        }
    }
}

/// The bytes of an entry in the manifest.
pub(crate) fn encode_entry(entry: &SectionEntry, writer: &mut Writer) {
    writer.u16(entry.kind.number()).u16(0).u32(entry.bucket).u32(entry.generation).u32(entry.count);
    writer.u32(entry.length).u32(0).u64(entry.covers).u64(entry.greatest_issued_at).bytes(&entry.name);
}
