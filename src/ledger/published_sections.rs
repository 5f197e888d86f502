//! Published sections by name: the current ones and, for a while, replaced ones that readers of an earlier manifest may
//! still fetch.

use std::collections::{BTreeMap, VecDeque};

use crate::revocation::wire::section::{section_name, SectionName};
use crate::time::{Seconds, UnixSeconds};

/// How long a replaced section is kept: a manifest's default validity, 300 s.
pub const RECENT_SECTIONS_SECONDS: u64 = 300;
/// Maximum bytes of replaced sections: 32 MiB; the oldest is dropped first.
pub const RECENT_SECTIONS_BYTES: usize = 32 << 20;

#[derive(Clone, Debug, Default)]
pub(crate) struct PublishedSections {
    sections: BTreeMap<SectionName, PublishedSection>,
    retired: VecDeque<(UnixSeconds, SectionName)>,
    retired_bytes: usize,
}

#[derive(Clone, Debug)]
struct PublishedSection {
    bytes: Vec<u8>,
    /// Number of tables with this section: a table's forms may have the same bytes.
    uses: u32,
    retired_at: Option<UnixSeconds>,
}

impl PublishedSections {
    pub(crate) fn get(&self, name: &SectionName) -> Option<&[u8]> {
        self.sections.get(name).map(|section| section.bytes.as_slice())
    }

    pub(crate) fn publish(&mut self, bytes: Vec<u8>) -> SectionName {
        let name = section_name(&bytes);
        let published = self.sections.entry(name);
        let section = published.or_insert_with(|| PublishedSection { bytes, uses: 0, retired_at: None });
        section.uses += 1;
        if section.retired_at.take().is_some() {
            self.retired_bytes = self.retired_bytes.saturating_sub(section.bytes.len());
        }
        name
    }

    /// Number and bytes of the current sections.
    pub(crate) fn current(&self) -> (usize, usize) {
        let current = self.sections.values().filter(|section| section.retired_at.is_none());
        current.fold((0, 0), |(count, bytes), section| (count + 1, bytes + section.bytes.len()))
    }

    /// Marks a section as replaced in one table.
    pub(crate) fn retire(&mut self, name: &SectionName, now: UnixSeconds) {
        let Some(section) = self.sections.get_mut(name).filter(|section| section.retired_at.is_none()) else { return };
        section.uses = section.uses.saturating_sub(1);
        if section.uses == 0 {
            section.retired_at = Some(now);
            self.retired_bytes = self.retired_bytes.saturating_add(section.bytes.len());
            self.retired.push_back((now, *name));
        }
    }

    /// Drops sections that were replaced long enough ago.
    pub(crate) fn sweep(&mut self, now: UnixSeconds) {
        while let Some((retired_at, name)) = self.retired.front().copied() {
            if retired_at.plus(Seconds::new(RECENT_SECTIONS_SECONDS)) > now
                && self.retired_bytes <= RECENT_SECTIONS_BYTES
            {
                break;
            }
            self.retired.pop_front();
            // Skip a section that was published or retired again since.
            if self.sections.get(&name).is_some_and(|section| section.retired_at == Some(retired_at)) {
                let dropped = self.sections.remove(&name).map_or(0, |section| section.bytes.len());
                self.retired_bytes = self.retired_bytes.saturating_sub(dropped);
            }
        }
    }
}
