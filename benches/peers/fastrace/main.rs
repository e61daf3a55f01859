//! fastrace: a span a run, a root a batch, and a reporter that counts.

use fastrace::collector::{Config, Reporter, SpanRecord};
use fastrace::prelude::{Span, SpanContext};
use harness::Peer;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const ROOT: &str = "batch";

static RECORDED: AtomicU64 = AtomicU64::new(0);

struct Counting;

impl Reporter for Counting {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        let runs = spans.iter().filter(|span| span.name != ROOT).count();
        RECORDED.fetch_add(runs as u64, Relaxed);
    }
}

struct Fastrace;

impl Peer for Fastrace {
    fn start(_: Option<&str>) -> Self {
        fastrace::set_reporter(Counting, Config::default());
        Self
    }

    #[inline(never)]
    #[fastrace::trace(short_name = true)]
    fn scope(x: u64) -> u64 {
        let y = black_box(x);
        black_box(y + 1)
    }

    #[inline(never)]
    #[fastrace::trace(short_name = true)]
    fn vec64() {
        let v = vec![0_u8; 64];
        black_box(&v);
    }

    fn batch(&self, runs: impl FnOnce()) {
        let root = Span::root(ROOT, SpanContext::random());
        let _parent = root.set_local_parent();
        runs();
    }

    fn finish(self) -> Option<u64> {
        fastrace::flush();
        Some(RECORDED.load(Relaxed))
    }
}

fn main() {
    harness::main::<Fastrace>();
}
