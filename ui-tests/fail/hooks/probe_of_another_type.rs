struct Untracked {
    probe: memscope::Probe<Self>,
}

fn main() {
    let _ = Untracked { probe: memscope::Probe::new() }.probe;
}
