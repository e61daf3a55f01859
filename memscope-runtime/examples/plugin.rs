//! A library that a program loads while it runs, and that records by itself: it has a memscope of its own, whatever the program
//! is built with. `tests/process` loads it.

use std::hint::black_box;

/// Makes and drops so many values, on the thread that calls it and on one of the library's own.
#[unsafe(no_mangle)]
pub extern "C" fn plugin_record(values: u64) {
    let record = move || {
        for i in 0..values {
            memscope::track_var!(let of_plugin = vec![i]);
            black_box(&of_plugin);
        }
    };
    let thread = std::thread::spawn(record);
    record();
    if thread.join().is_err() {
        std::process::abort();
    }
}
