//! Valgrind, which sees the system's allocator from outside, saw the blocks that a capture tells of.

use crate::blocks::{RECORDS, captures};
use crate::{play_under, this_binary};
use memscope_format::Reader;
use memscope_format::rows::{Heap, HeapKind};
use std::hint::black_box;
use std::process::Command;

/// Bytes that no block has but those that are compared.
const SIZES: std::ops::Range<u64> = 70_000..80_000;

/// Blocks of sizes of their own, allocated, grown, and freed but for some.
pub(crate) fn compared() {
    for round in 0..300_usize {
        let mut block: Vec<u8> = Vec::with_capacity(70_000 + round);
        if round % 3 == 0 {
            block.reserve_exact(75_000 + round);
        }
        if round % 10 == 0 {
            std::mem::forget(black_box(block));
        } else {
            drop(black_box(block));
        }
    }
    let zeroed = black_box(vec![0_u8; 79_999]);
    drop(zeroed);
}

/// What was done, of blocks of these sizes: kind, address, size.
type Done = Vec<(&'static str, u64, u64)>;

/// What valgrind saw, by its own account of each call.
fn seen(said: &str) -> Done {
    let number = |text: &str| match text.trim().strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).expect("an address"),
        None => text.trim().parse().expect("a size"),
    };
    // `malloc(n) = 0xADDR`, `calloc(n, m) = 0xADDR`, `realloc(0xADDR,n)` followed by what it does, `free(0xADDR)`.
    let mut sizes = std::collections::HashMap::new();
    let mut done = Done::new();
    for line in said.lines().filter_map(|line| line.rsplit_once("-- ").map(|(_, call)| call)) {
        let Some((call, rest)) = line.split_once('(') else { continue };
        let Some((arguments, result)) = rest.split_once(')') else { continue };
        match call {
            "malloc" | "calloc" => {
                let size = arguments.split(',').map(number).product::<u64>();
                let addr = number(result.rsplit('=').next().expect("an address"));
                sizes.insert(addr, size);
                done.push((if call == "malloc" { "alloc" } else { "zeroed" }, addr, size));
            }
            "realloc" => {
                let (old, size) = arguments.split_once(',').expect("an address and a size");
                let (old, size) = (number(old), number(size));
                let addr = number(result.rsplit('=').next().expect("an address"));
                sizes.remove(&old);
                sizes.insert(addr, size);
                done.push(("realloc", addr, size));
            }
            "free" => {
                let addr = number(arguments);
                done.push(("free", addr, sizes.remove(&addr).unwrap_or(0)));
            }
            _ => {}
        }
    }
    done.retain(|(_, _, size)| SIZES.contains(size));
    done
}

/// What the capture tells.
fn told(capture: &Reader) -> Done {
    let rows = capture.rows::<Heap>().map(|row| row.expect("it is whole"));
    let rows = rows.filter(|row| SIZES.contains(&row.size)).map(|row| {
        let kind = match row.kind {
            HeapKind::Alloc => "alloc",
            HeapKind::AllocZeroed => "zeroed",
            HeapKind::Realloc => "realloc",
            _ => "free",
        };
        (kind, row.addr, row.size)
    });
    rows.collect()
}

#[test]
fn valgrind_saw_the_same_blocks() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        // Where there is no valgrind the allocator below is the only witness.
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--leak-check=no", "--undef-value-errors=no", "--trace-malloc=yes"]);
    valgrind.arg(this_binary());
    let environment = [("MEMSCOPE_ALLOC", "full"), (RECORDS, "1")];
    let output = play_under(valgrind, "compared", &environment, dir.path());
    assert!(output.status.success(), "{output:?}");
    let capture = Reader::open(&captures(dir.path())[0]).expect("a capture");
    let (told, seen) = (told(&capture), seen(&String::from_utf8_lossy(&output.stderr)));
    // 300 blocks, of which each third grew and each tenth is left, and one of zero bytes.
    assert_eq!(told.len(), 300 + 100 + 270 + 2);
    assert_eq!(told, seen);
}
