#![no_main]

use portcullis_fuzz::{rows, seeds};

libfuzzer_sys::fuzz_target!(init: seeds::write_if_asked("rows"), |input: &[u8]| rows::check(input));
