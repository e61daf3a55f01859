//! tracing with a `Registry`, which keeps the spans that are open and records nothing of them. A layer that does nothing
//! is part of it: without one the registry never lets go of a span. In the mode `off` there is no subscriber.

use harness::Peer;
use std::hint::black_box;
use tracing_subscriber::layer::{Identity, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

struct Tracing;

impl Peer for Tracing {
    fn start(mode: Option<&str>) -> Self {
        if mode != Some("off") {
            tracing_subscriber::registry().with(Identity::new()).init();
        }
        Self
    }

    #[inline(never)]
    fn scope(x: u64) -> u64 {
        let _span = tracing::info_span!("scope").entered();
        let y = black_box(x);
        black_box(y + 1)
    }

    #[inline(never)]
    fn vec64() {
        let _span = tracing::info_span!("vec64").entered();
        let v = vec![0_u8; 64];
        black_box(&v);
    }
}

fn main() {
    harness::main::<Tracing>();
}
