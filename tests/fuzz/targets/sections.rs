#![no_main]

use portcullis_fuzz::{sections, seeds};

libfuzzer_sys::fuzz_target!(init: seeds::write_if_asked("sections"), |input: &[u8]| sections::check(input));
