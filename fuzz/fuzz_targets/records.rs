#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| memscope_format::fuzz::run("records", data));
