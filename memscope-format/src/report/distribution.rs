//! How long values lived: exact for few samples, a log-linear histogram with a known error for many.

use super::figure::{Figure, Missing};

/// Each power of two is cut into this many (as a power of two) buckets of equal width.
///
/// A sample is at most half a bucket from its bucket's middle, and a bucket is 1/128 of its lower end wide, so
/// that a quantile is at most 0.4 % off. The layout is that of HdrHistogram (G. Tene).
const SUB_BUCKET_BITS: u32 = 7;

/// A set of durations that answers for its quantiles.
#[derive(Debug, Clone)]
pub(crate) struct Distribution {
    count: u64,
    /// What each sample stands for.
    weight: Weight,
    samples: Samples,
    /// Samples kept as they are; one more makes a histogram.
    cap: usize,
}

/// How many values a sample stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// There are no samples.
    None,
    Each(u64),
    Mixed,
}

impl Weight {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, weight) | (weight, Self::None) => weight,
            (own, other) if own == other => own,
            _ => Self::Mixed,
        }
    }
}

#[derive(Debug, Clone)]
enum Samples {
    Exact(Vec<u64>),
    /// Samples of each bucket, up to the last one that has any.
    Histogram(Vec<u64>),
}

impl Distribution {
    /// Makes an empty set that keeps up to `cap` samples as they are.
    pub(crate) fn new(cap: usize) -> Self {
        Self { count: 0, weight: Weight::None, samples: Samples::Exact(Vec::new()), cap }
    }

    /// Adds a sample that stands for `weight` values.
    pub(crate) fn add(&mut self, sample: u64, weight: u64) {
        self.count += 1;
        self.weight = self.weight.and(Weight::Each(weight));
        match &mut self.samples {
            Samples::Exact(samples) if samples.len() < self.cap => samples.push(sample),
            _ => add_to(self.as_histogram(), bucket_of(sample), 1),
        }
    }

    /// Adds all samples of another set.
    pub(crate) fn absorb(&mut self, other: &Self) {
        match (&mut self.samples, &other.samples) {
            (Samples::Exact(own), Samples::Exact(theirs))
                if own.len() + theirs.len() <= self.cap =>
            {
                own.extend_from_slice(theirs);
            }
            (_, Samples::Exact(theirs)) => {
                let histogram = self.as_histogram();
                theirs.iter().for_each(|sample| add_to(histogram, bucket_of(*sample), 1));
            }
            (_, Samples::Histogram(theirs)) => {
                let histogram = self.as_histogram();
                theirs
                    .iter()
                    .enumerate()
                    .for_each(|(bucket, count)| add_to(histogram, bucket, *count));
            }
        }
        self.count += other.count;
        self.weight = self.weight.and(other.weight);
    }

    /// Returns the smallest sample that at least `percent` % of all samples do not exceed (the nearest rank), given
    /// what the recording lacks: each missing event may have cost a sample of any size.
    pub(crate) fn percentile(&self, percent: u64, missing: &Missing) -> Figure<u64> {
        let lost = match *missing {
            Missing::Nothing => 0,
            Missing::Events(events) => events,
            Missing::Uncounted(why) => return Figure::unknown(why),
        };
        if self.count == 0 {
            return Figure::unknown("no value ended");
        }
        match (self.weight, lost) {
            (Weight::None | Weight::Each(1), _) => {}
            (Weight::Mixed, _) => return Figure::unknown("values were sampled at different rates"),
            (Weight::Each(_), 0) => return self.sampled_percentile(percent),
            (Weight::Each(_), _) => return Figure::unknown("events were lost"),
        }
        let all = self.count.saturating_add(lost);
        let rank = (u128::from(all) * u128::from(percent)).div_ceil(100).max(1) as u64;
        // The lost samples may all have been shorter than the recorded ones, or all longer.
        let Some(lowest) =
            rank.checked_sub(lost).filter(|lowest| *lowest > 0 && rank <= self.count)
        else {
            return Figure::unknown("too many events were lost");
        };
        let (low, high) = (self.at_rank(lowest).0, self.at_rank(rank).1);
        match (high - low).div_ceil(2) {
            0 => Figure::Exact(low),
            error => Figure::Bounded { value: low + (high - low) / 2, error },
        }
    }

    /// A percentile of values of which each was chosen with the same probability.
    ///
    /// How many of the chosen ones lie below that of all values is a binomial number: its rank among them is this far from the
    /// middle in about 95 of 100 recordings, and what lies within these ranks is where it can be.
    fn sampled_percentile(&self, percent: u64) -> Figure<u64> {
        let share = percent as f64 / 100.0;
        let spread = (2.0 * (self.count as f64 * share * (1.0 - share)).sqrt()).ceil() as u64 + 1;
        let rank = (u128::from(self.count) * u128::from(percent)).div_ceil(100).max(1) as u64;
        let lowest = rank.checked_sub(spread).filter(|lowest| *lowest > 0);
        let (Some(lowest), true) = (lowest, rank + spread <= self.count) else {
            return Figure::unknown("too few values were chosen to be recorded");
        };
        let (low, high) = (self.at_rank(lowest).0, self.at_rank(rank + spread).1);
        let (least, most) = self.at_rank(rank);
        let value = least + (most - least) / 2;
        Figure::Sampled { value, error: (value - low).max(high - value) }
    }

    /// Returns bounds, both included, of the sample with this rank, from 1.
    fn at_rank(&self, rank: u64) -> (u64, u64) {
        match &self.samples {
            Samples::Exact(samples) => {
                let mut samples = samples.clone();
                let (_, sample, _) = samples.select_nth_unstable(rank as usize - 1);
                (*sample, *sample)
            }
            Samples::Histogram(buckets) => {
                let mut seen = 0;
                let reached = buckets.iter().position(|count| {
                    seen += count;
                    seen >= rank
                });
                let (low, width) = bucket_bounds(reached.unwrap_or(buckets.len() - 1));
                (low, low + (width - 1))
            }
        }
    }

    fn as_histogram(&mut self) -> &mut Vec<u64> {
        if let Samples::Exact(samples) = &mut self.samples {
            let mut buckets = Vec::new();
            samples.iter().for_each(|sample| add_to(&mut buckets, bucket_of(*sample), 1));
            self.samples = Samples::Histogram(buckets);
        }
        match &mut self.samples {
            Samples::Histogram(buckets) => buckets,
            Samples::Exact(_) => unreachable!("made a histogram above"),
        }
    }
}

fn add_to(buckets: &mut Vec<u64>, bucket: usize, count: u64) {
    if buckets.len() <= bucket {
        buckets.resize(bucket + 1, 0);
    }
    buckets[bucket] += count;
}

/// Returns the bucket of a sample: samples below 2^7 have one each, those above share 128 per power of two.
fn bucket_of(sample: u64) -> usize {
    let exponent = sample.max(1).ilog2();
    if exponent < SUB_BUCKET_BITS {
        return sample as usize;
    }
    let shift = exponent - SUB_BUCKET_BITS;
    ((shift as usize) << SUB_BUCKET_BITS) + (sample >> shift) as usize
}

/// Returns the least sample of a bucket and how many different samples it holds.
fn bucket_bounds(bucket: usize) -> (u64, u64) {
    let shift = (bucket >> SUB_BUCKET_BITS).saturating_sub(1) as u32;
    let low = (bucket - ((shift as usize) << SUB_BUCKET_BITS)) as u64;
    (low << shift, 1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Missing = Missing::Nothing;

    fn of(cap: usize, samples: impl IntoIterator<Item = u64>) -> Distribution {
        let mut distribution = Distribution::new(cap);
        samples.into_iter().for_each(|sample| distribution.add(sample, 1));
        distribution
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        let distribution = of(100, (1..=100).rev());
        assert_eq!(distribution.percentile(50, &NOTHING), Figure::Exact(50));
        assert_eq!(distribution.percentile(99, &NOTHING), Figure::Exact(99));
        assert_eq!(of(100, [7]).percentile(99, &NOTHING), Figure::Exact(7));
        assert_eq!(of(100, [1, 2, 3]).percentile(50, &NOTHING), Figure::Exact(2));
    }

    #[test]
    fn no_sample_has_no_percentile() {
        assert_eq!(of(10, []).percentile(50, &NOTHING), Figure::unknown("no value ended"));
    }

    #[test]
    fn buckets_cover_all_durations_without_gap_or_overlap() {
        let mut expected = 0_u64;
        for bucket in 0..=bucket_of(u64::MAX) {
            let (low, width) = bucket_bounds(bucket);
            assert_eq!(low, expected);
            assert_eq!(bucket_of(low), bucket);
            assert_eq!(bucket_of(low + (width - 1)), bucket);
            expected = low.wrapping_add(width);
        }
        assert_eq!(expected, 0, "the last bucket ends at 2^64");
    }

    #[test]
    fn a_histogram_bounds_its_error() {
        let samples: Vec<u64> = (0..5000).map(|i| 1000 + i * i * 37).collect();
        let distribution = of(16, samples.iter().copied());
        for percent in [1, 50, 90, 99, 100] {
            let truth = samples[(5000 * percent / 100 - 1) as usize];
            let Figure::Bounded { value, error } = distribution.percentile(percent, &NOTHING)
            else {
                panic!("not a histogram")
            };
            assert!(
                value.abs_diff(truth) <= error,
                "{percent} %: {value} ± {error}, truth {truth}"
            );
            assert!(
                error * 250 <= value,
                "{percent} %: error {error} of {value} is more than 0.4 %"
            );
        }
    }

    #[test]
    fn absorbing_equals_adding() {
        let (few, many) = (5..25, 100..4000_u64);
        for (first, second) in [
            (few.clone(), few.clone()),
            (few.clone(), many.clone()),
            (many.clone(), few.clone()),
            (many.clone(), many.clone()),
        ] {
            let mut merged = of(64, first.clone());
            merged.absorb(&of(64, second.clone()));
            let added = of(64, first.chain(second));
            assert_eq!(merged.count, added.count);
            for percent in [0, 50, 99] {
                assert_eq!(
                    merged.percentile(percent, &NOTHING),
                    added.percentile(percent, &NOTHING)
                );
            }
        }
    }

    #[test]
    fn lost_events_widen_a_percentile_by_ranks() {
        let distribution = of(100, 1..=20);
        // 22 samples, of which 2 are unknown: rank 11 is the 9th recorded one at the least and the 11th at the most.
        assert_eq!(
            distribution.percentile(50, &Missing::Events(2)),
            Figure::Bounded { value: 10, error: 1 }
        );
        assert_eq!(
            distribution.percentile(99, &Missing::Events(2)),
            Figure::unknown("too many events were lost")
        );
        assert_eq!(
            distribution.percentile(50, &Missing::Uncounted("gone")),
            Figure::unknown("gone")
        );
    }
}
