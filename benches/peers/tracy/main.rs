//! Tracy's client as it is by default, to which no server is connected: a zone a run or, in the package `alloc`, an event for
//! each allocation and each free.

use harness::Peer;
use std::hint::black_box;
use tracy_client::Client;

#[cfg(feature = "alloc")]
#[global_allocator]
static ALLOCATOR: tracy_client::ProfiledAllocator<std::alloc::System> =
    tracy_client::ProfiledAllocator::new(std::alloc::System, 0);

struct Tracy {
    _client: Client,
}

impl Peer for Tracy {
    fn start(_: Option<&str>) -> Self {
        Self { _client: Client::start() }
    }

    #[inline(never)]
    fn scope(x: u64) -> u64 {
        let _zone = tracy_client::span!("scope");
        let y = black_box(x);
        black_box(y + 1)
    }

    #[inline(never)]
    fn vec64() {
        #[cfg(not(feature = "alloc"))]
        let _zone = tracy_client::span!("vec64");
        let v = vec![0_u8; 64];
        black_box(&v);
    }
}

fn main() {
    harness::main::<Tracy>();
}
