//! What a hook costs, beside the least that any tool of this kind could cost.
//!
//! `cargo bench -p memscope-runtime --bench hooks` prints all figures in one run. The floor is two readings of the
//! clock and two 24-byte records into thread-local memory; a vector's is the same around its life. Compare
//! figures of one group of one run only: the machine's speed is not a constant.

mod floor;

use criterion::{Bencher, Criterion, criterion_group, criterion_main};
use floor::{record, ticks};
use std::hint::black_box;
use std::time::{Duration, Instant};

#[inline(never)]
fn scope_plain(x: u64) -> u64 {
    let y = black_box(x);
    black_box(y + 1)
}

/// The clock alone, read as often as for the floor.
#[inline(never)]
fn scope_clock(x: u64) -> u64 {
    black_box(ticks());
    let y = black_box(x);
    let z = black_box(y + 1);
    black_box(ticks());
    z
}

#[inline(never)]
fn scope_floor(x: u64) -> u64 {
    record(1, x);
    let y = black_box(x);
    let z = black_box(y + 1);
    record(2, z);
    z
}

#[inline(never)]
fn scope_tracked(x: u64) -> u64 {
    memscope::track_var!(let y = black_box(x));
    black_box(y + 1)
}

/// One in four thousand million: it is left out as good as always.
#[inline(never)]
fn scope_left_out(x: u64) -> u64 {
    memscope::track_var!(#[track(sample = 1/4_000_000_000)] let y = black_box(x));
    black_box(y + 1)
}

#[inline(never)]
fn vec_plain() {
    let v = vec![0_u8; 64];
    black_box(&v);
}

#[inline(never)]
fn vec_floor() {
    let v = vec![0_u8; 64];
    record(1, v.len() as u64);
    black_box(&v);
    record(2, v.len() as u64);
}

#[inline(never)]
fn vec_tracked() {
    memscope::track_var!(let v = vec![0_u8; 64]);
    black_box(&v);
}

#[inline(never)]
fn vec_left_out() {
    memscope::track_var!(#[track(sample = 1/4_000_000_000)] let v = vec![0_u8; 64]);
    black_box(&v);
}

#[inline(never)]
fn call_plain(x: u64) -> u64 {
    black_box(x)
}

#[memscope::track(sample = 1/4_000_000_000)]
#[inline(never)]
fn call_left_out(x: u64) -> u64 {
    black_box(x)
}

#[memscope::track(sample = 1/4_000_000_000)]
struct LeftOut {
    bytes: [u64; 2],
    probe: memscope::Probe<Self>,
}

#[inline(never)]
fn value_left_out(x: u64) {
    let value = LeftOut { bytes: [x; 2], probe: memscope::Probe::new() };
    black_box((&value.bytes, &value.probe));
}

#[inline(never)]
fn value_plain(x: u64) {
    let value = ([x; 2], ());
    black_box((&value.0, &value.1));
}

#[memscope::track]
struct Value {
    bytes: [u64; 2],
    probe: memscope::Probe<Self>,
}

#[inline(never)]
fn value_tracked(x: u64) {
    let value = Value { bytes: [x; 2], probe: memscope::Probe::new() };
    black_box((&value.bytes, &value.probe));
}

/// Scopes in a burst, whose events find room in the ring.
const BURST: u64 = 2_000;

/// Times bursts, behind each of which the drain is waited for.
fn in_bursts(bencher: &mut Bencher<'_>, scope: fn(u64) -> u64) {
    bencher.iter_custom(|scopes| {
        let mut time = Duration::ZERO;
        for begun in (0..scopes).step_by(BURST as usize) {
            memscope::flush();
            let start = Instant::now();
            for _ in 0..BURST.min(scopes - begun) {
                black_box(scope(black_box(1)));
            }
            time += start.elapsed();
        }
        time
    });
}

fn scopes(c: &mut Criterion) {
    // The recording starts before anything is measured: its background thread alone changes what malloc costs.
    scope_tracked(1);
    let mut group = c.benchmark_group("scope");
    group.bench_function("plain", |b| b.iter(|| scope_plain(black_box(1))));
    group.bench_function("floor", |b| b.iter(|| scope_floor(black_box(1))));
    group.bench_function("tracked", |b| b.iter(|| scope_tracked(black_box(1))));
    group.bench_function("left out", |b| b.iter(|| scope_left_out(black_box(1))));
    group.finish();
    let mut group = c.benchmark_group("two events in a burst");
    group.bench_function("clock", |b| in_bursts(b, scope_clock));
    group.bench_function("floor", |b| in_bursts(b, scope_floor));
    group.bench_function("tracked", |b| in_bursts(b, scope_tracked));
    group.finish();
    let mut group = c.benchmark_group("vec64");
    group.bench_function("plain", |b| b.iter(vec_plain));
    group.bench_function("floor", |b| b.iter(vec_floor));
    group.bench_function("tracked", |b| b.iter(vec_tracked));
    group.bench_function("left out", |b| b.iter(vec_left_out));
    group.finish();
    let mut group = c.benchmark_group("call");
    group.bench_function("plain", |b| b.iter(|| call_plain(black_box(1))));
    group.bench_function("left out", |b| b.iter(|| call_left_out(black_box(1))));
    group.finish();
    let mut group = c.benchmark_group("struct");
    group.bench_function("plain", |b| b.iter(|| value_plain(black_box(1))));
    group.bench_function("left out", |b| b.iter(|| value_left_out(black_box(1))));
    group.bench_function("tracked", |b| b.iter(|| value_tracked(black_box(1))));
    group.finish();
}

criterion_group!(benches, scopes);
criterion_main!(benches);
