//! How the process and the recorder did, and what the program marked, in lines.

use memscope_format::report::human::{Bytes, Count, Nanos};
use memscope_format::report::{CaptureFigures, Mark, PerformanceFigures, Report};

/// Marks that are listed.
const MARKS: usize = 12;

/// The lines of a single recording; those of several would not be of one process.
pub(super) fn lines(report: &Report) -> String {
    match report.captures.as_slice() {
        [capture] => of(capture),
        _ => String::new(),
    }
}

fn of(capture: &CaptureFigures) -> String {
    let lines = [
        process(&capture.performance).map(|line| format!("process: {line}\n")),
        recorder(&capture.performance).map(|line| format!("recorder: {line}\n")),
        marks(&capture.marks).map(|line| format!("marks: {line}\n")),
    ];
    lines.into_iter().flatten().collect()
}

fn process(figures: &PerformanceFigures) -> Option<String> {
    let nanos = |ns: &u64| Nanos(*ns).to_string();
    let user = figures.user_ns.value().map(nanos)?;
    let system = figures.system_ns.value().map(nanos)?;
    let resident = figures.peak_resident_bytes.value();
    let resident =
        resident.map(|bytes| format!("{} or more in memory at its peak, ", Bytes(*bytes)));
    let minor = figures.minor_faults.value()?;
    let major = figures.major_faults.value()?;
    let faults = Count(minor + major).of("page fault");
    let read = if *major == 0 { String::new() } else { format!(" ({} read)", Count(*major)) };
    let resident = resident.unwrap_or_default();
    Some(format!("{resident}{user} of CPU, {system} in the kernel, {faults}{read}"))
}

fn recorder(figures: &PerformanceFigures) -> Option<String> {
    let cycle = figures.longest_cycle_ns.value()?;
    let rings = figures.fullest_ring_slots.value().zip(figures.ring_slots.value());
    let rings = rings.map(|(full, slots)| {
        let percent = full * 100 / (*slots).max(1);
        format!("rings {percent} % full or more at their fullest, ")
    });
    let time = figures.drain_ns.value();
    let time = time.map(|ns| format!("{} of CPU to write, ", Nanos(*ns)));
    let (rings, time) = (rings.unwrap_or_default(), time.unwrap_or_default());
    let held_up = figures.held_up_ns.value().filter(|ns| **ns > 0).map(|ns| {
        format!(
            "\n          the program waited {} for it: times of drops and calls have that in them; larger rings \
             (MEMSCOPE_RING_KIB) or fewer events (MEMSCOPE_SAMPLE, MEMSCOPE_CALLS=off) make it less",
            Nanos(*ns)
        )
    });
    let held_up = held_up.unwrap_or_default();
    Some(format!("{rings}{time}longest cycle {}; read once a second{held_up}", Nanos(*cycle)))
}

fn marks(marks: &[Mark]) -> Option<String> {
    let listed = marks.iter().take(MARKS).map(|mark| {
        let times =
            if mark.count > 1 { format!(" ({})", Count(mark.count)) } else { String::new() };
        format!("{}{times} at {}", mark.phase, Nanos(mark.at_ns))
    });
    let mut text = listed.collect::<Vec<_>>().join(", ");
    if marks.len() > MARKS {
        text += &format!(" and {} more", Count((marks.len() - MARKS) as u64));
    }
    (!marks.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use memscope_format::report::Figure;

    #[test]
    fn what_was_read_is_two_lines_and_what_was_not_none() {
        let none = PerformanceFigures::default();
        assert_eq!((process(&none), recorder(&none)), (None, None));
        let mut figures = none;
        figures.peak_resident_bytes = Figure::Exact(3 << 20);
        figures.user_ns = Figure::Exact(1_500_000_000);
        figures.system_ns = Figure::Exact(20_000_000);
        figures.minor_faults = Figure::Exact(1_200);
        figures.major_faults = Figure::Exact(4);
        figures.ring_slots = Figure::Exact(32_768);
        figures.fullest_ring_slots = Figure::Exact(328);
        figures.drain_ns = Figure::Exact(5_000_000);
        figures.longest_cycle_ns = Figure::Exact(2_000_000);
        assert_eq!(
            process(&figures).as_deref(),
            Some(
                "3.00 MiB or more in memory at its peak, 1.50 s of CPU, 20.0 ms in the kernel, 1,204 page faults (4 read)"
            )
        );
        assert_eq!(
            recorder(&figures).as_deref(),
            Some(
                "rings 1 % full or more at their fullest, 5.00 ms of CPU to write, longest cycle 2.00 ms; read once a second"
            )
        );
        figures.held_up_ns = Figure::Exact(7_000_000);
        assert!(recorder(&figures).unwrap().contains("the program waited 7.00 ms for it"));
    }

    #[test]
    fn marks_are_listed_with_their_times() {
        let mark = |phase: &str, count, at_ns| Mark { phase: phase.to_owned(), count, at_ns };
        assert_eq!(marks(&[]), None);
        let some = [mark("load", 1, 0), mark("sort", 1, 5_000_000), mark("load", 2, 7_000_000_000)];
        assert_eq!(
            marks(&some).as_deref(),
            Some("load at 0 ns, sort at 5.00 ms, load (2) at 7.00 s")
        );
        let many = vec![mark("turn", 1, 1); 14];
        assert!(marks(&many).unwrap_or_default().ends_with(" and 2 more"));
    }
}
