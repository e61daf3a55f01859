//! What is measured.

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    Scope,
    Vec64,
}

impl Workload {
    pub(crate) const ALL: [Self; 2] = [Self::Scope, Self::Vec64];

    /// As the programs call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Scope => "scope",
            Self::Vec64 => "vec64",
        }
    }
}

/// A program, and how it is started.
#[derive(Debug)]
pub(crate) struct Subject {
    /// The row in the table.
    pub(crate) name: &'static str,
    /// The package, and the program that it makes.
    pub(crate) package: &'static str,
    /// A word for the program.
    pub(crate) mode: Option<&'static str>,
    pub(crate) environment: &'static [(&'static str, &'static str)],
    /// How long it is measured: shorter where memory grows with each run.
    pub(crate) runs: u64,
    workloads: &'static [Workload],
}

/// Long enough that every buffer of a bounded size has been full many times over.
const LONG: u64 = 4_000_000;

/// Short enough that a peer whose memory has no bound stays below a gigabyte.
const BOUNDED: u64 = 1_000_000;

/// Of what takes a microsecond a run.
const SLOW: u64 = 200_000;

const BOTH: &[Workload] = &Workload::ALL;
const VEC64: &[Workload] = &[Workload::Vec64];

const PLAIN: Subject = Subject {
    name: "nothing",
    package: "peer-floor",
    mode: Some("plain"),
    environment: &[],
    runs: LONG,
    workloads: BOTH,
};

const FLOOR: Subject = Subject { name: "floor", mode: None, ..PLAIN };
const PARKED: Subject = Subject { name: "floor, a thread parked", mode: Some("parked"), ..PLAIN };
const MEMSCOPE: Subject =
    Subject { name: "memscope", package: "peer-memscope-on", mode: None, ..PLAIN };

/// All of them, in the table's order.
pub(crate) const ALL: &[Subject] = &[
    PLAIN,
    FLOOR,
    PARKED,
    MEMSCOPE,
    Subject {
        name: "memscope, heap counted",
        package: "peer-memscope-alloc",
        workloads: VEC64,
        ..MEMSCOPE
    },
    Subject {
        name: "memscope, heap sampled",
        package: "peer-memscope-alloc",
        environment: &[("MEMSCOPE_ALLOC", "sampled")],
        workloads: VEC64,
        ..MEMSCOPE
    },
    Subject {
        name: "memscope, heap recorded",
        package: "peer-memscope-alloc",
        environment: &[("MEMSCOPE_ALLOC", "full")],
        workloads: VEC64,
        ..MEMSCOPE
    },
    Subject { name: "tracy", package: "peer-tracy-zones", runs: BOUNDED, ..MEMSCOPE },
    Subject {
        name: "tracy, allocator",
        package: "peer-tracy-alloc",
        runs: BOUNDED,
        workloads: VEC64,
        ..MEMSCOPE
    },
    Subject { name: "fastrace", package: "peer-fastrace", runs: BOUNDED, ..MEMSCOPE },
    Subject { name: "hotpath", package: "peer-hotpath-time", runs: BOUNDED, ..MEMSCOPE },
    Subject { name: "hotpath, alloc", package: "peer-hotpath-alloc", runs: BOUNDED, ..MEMSCOPE },
    Subject { name: "tracing, registry", package: "peer-tracing", ..MEMSCOPE },
    Subject {
        name: "memscope-rs `track!`",
        package: "peer-memscope-rs",
        runs: SLOW,
        workloads: VEC64,
        ..MEMSCOPE
    },
    Subject {
        name: "memscope-rs `track!`, drops told",
        package: "peer-memscope-rs",
        mode: Some("drop"),
        runs: SLOW,
        workloads: VEC64,
        ..MEMSCOPE
    },
    Subject { name: "dhat", package: "peer-dhat", runs: SLOW, workloads: VEC64, ..MEMSCOPE },
    Subject { name: "memscope, not compiled in", package: "peer-memscope-off", ..MEMSCOPE },
    Subject { name: "memscope, off", environment: &[("MEMSCOPE", "off")], ..MEMSCOPE },
    Subject { name: "tracing, off", package: "peer-tracing", mode: Some("off"), ..MEMSCOPE },
    Subject { name: "puffin, off", package: "peer-puffin", ..MEMSCOPE },
];

impl Subject {
    pub(crate) fn has(&self, workload: Workload) -> bool {
        self.workloads.contains(&workload)
    }

    /// Whether it is what the others are compared with.
    pub(crate) fn is_floor(&self) -> bool {
        self.package == PLAIN.package
    }

    /// The package's name, without what all of them begin with.
    pub(crate) fn short(&self) -> &'static str {
        self.package.trim_start_matches("peer-")
    }

    pub(crate) fn is_ours(&self) -> bool {
        self.package.starts_with("peer-memscope-") && self.package != "peer-memscope-rs"
    }
}

/// What can be asked for.
pub(crate) fn packages() -> Vec<&'static str> {
    let mut all: Vec<_> = ALL.iter().map(Subject::short).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The name of the floor that a program with so many threads of its own is compared with: the system's allocator is slower
/// in a program that has more than one thread.
pub(crate) fn floor_for(background: u64) -> &'static str {
    if background > 0 { PARKED.name } else { FLOOR.name }
}
