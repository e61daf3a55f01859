//! Estimates against populations that are known.

use super::*;
use crate::report::figure::{Figure, Grounds};

/// A generator of numbers that is not that of the recorder.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Splitmix64 (G. Steele, D. Lea, C. Flood, 2014).
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// Whether one in so many is chosen.
    pub(crate) fn one_in(&mut self, one_in: u64) -> bool {
        self.next().is_multiple_of(one_in)
    }
}

const RUNS: u64 = 1000;

/// Runs that a recording is simulated in, of which so many in a hundred must be within the error, and the mean of all within
/// four of its standard errors of the truth.
fn holds(what: &str, truth: u64, estimate: impl Fn(&mut Numbers) -> Figure<u64>) {
    let (mut within, mut sum, mut squares) = (0, 0.0, 0.0);
    for run in 0..RUNS {
        let figure = estimate(&mut Numbers::new(1000 * run + truth));
        let Figure::Sampled { value, error } = figure else { panic!("{what}: {figure:?}") };
        within += u64::from(value.abs_diff(truth) <= error);
        let off = value as f64 - truth as f64;
        sum += off;
        squares += off * off;
    }
    let (mean, deviation) = (sum / RUNS as f64, (squares / RUNS as f64).sqrt());
    assert!(mean.abs() <= 4.0 * deviation / (RUNS as f64).sqrt(), "{what}: {mean} off on average");
    assert!(within * 100 >= 94 * RUNS, "{what}: {within} of {RUNS} within the error");
}

#[test]
fn counts_are_unbiased_and_within_their_error_however_few_were_chosen() {
    for (values, one_in) in
        [(1, 100), (10, 2), (10, 100), (100, 100), (1000, 3), (1000, 100), (5000, 1000)]
    {
        holds(&format!("{values} values, one in {one_in}"), values, |numbers| {
            let mut sum = Sum::default();
            sum.sampled(one_in);
            for _ in 0..values {
                if numbers.one_in(one_in) {
                    sum.count(one_in);
                }
            }
            Grounds::default().count(sum)
        });
    }
}

#[test]
fn sums_of_amounts_are_unbiased_and_within_their_error() {
    let even = |at: u64| 100 + at % 50;
    // A tenth of them are thirty times as large.
    let skewed = |at: u64| if at.is_multiple_of(10) { 3000 } else { 100 };
    for (what, amount) in [("even", even as fn(u64) -> u64), ("skewed", skewed)] {
        for (values, one_in) in [(1000, 10), (10_000, 10), (4000, 100)] {
            let truth = (0..values).map(amount).sum();
            holds(&format!("{what} {values} one in {one_in}"), truth, |numbers| {
                let mut sum = Sum::default();
                sum.sampled(one_in);
                for at in 0..values {
                    if numbers.one_in(one_in) {
                        sum.add(amount(at), one_in);
                    }
                }
                Grounds::default().amount(sum)
            });
        }
    }
}

#[test]
fn sums_with_other_rates_and_with_unsampled_ones_add_up() {
    let truth = 500 * 7 + 2000 * 30 + 3000 * 11;
    holds("mixed", truth, |numbers| {
        let mut sum = Sum::default();
        (0..500).for_each(|_| sum.add(7, 1));
        for (values, amount, one_in) in [(2000, 30, 10), (3000, 11, 50)] {
            let mut part = Sum::default();
            for _ in 0..values {
                if numbers.one_in(one_in) {
                    part.add(amount, one_in);
                }
            }
            sum.absorb(&part);
        }
        Grounds::default().amount(sum)
    });
}

#[test]
fn what_has_not_ended_is_what_is_left_of_the_estimate() {
    let mut sum = Sum::default();
    (0..5).for_each(|_| sum.count(10));
    (0..4).for_each(|_| sum.uncount(10));
    let mut one = Sum::default();
    one.count(10);
    assert_eq!((sum.estimate(), sum.error_of_count()), (10, one.error_of_count()));
}

#[test]
fn what_was_never_chosen_is_not_taken_for_nothing() {
    let mut sum = Sum::default();
    sum.sampled(100);
    assert_eq!(Grounds::default().count(sum), Figure::Sampled { value: 0, error: 4 * 99 });
    assert_eq!(Grounds::default().amount(sum).fidelity(), "unknown");
    assert_eq!(Grounds::default().difference(sum).fidelity(), "unknown");
}

#[test]
fn another_unit_changes_the_error_with_the_value() {
    let mut sum = Sum::default();
    (0..1000).for_each(|_| sum.add(50, 10));
    let half = sum.scaled(|ticks| ticks / 2);
    assert_eq!(half.estimate(), sum.estimate() / 2);
    assert!(half.error().abs_diff(sum.error() / 2) <= 1);
}
