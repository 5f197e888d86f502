#![no_main]

use portcullis_fuzz::{feed, seeds};

libfuzzer_sys::fuzz_target!(init: seeds::write_if_asked("feed"), |input: &[u8]| feed::check(input));
