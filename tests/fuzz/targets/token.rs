#![no_main]

use portcullis_fuzz::{seeds, token};

libfuzzer_sys::fuzz_target!(init: seeds::write_if_asked("token"), |input: &[u8]| token::check(input));
