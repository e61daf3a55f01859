//! How far what was counted of a sample may lie from the truth, by chance alone.

/// The most by which a sum over what was chosen may differ from what is expected of it; less than one in 10^11 differs by more, so
/// that of a hundred comparisons less than one in 10^9 fails.
///
/// `variance` is the sum's, `most` the most that one that is chosen adds to it. By S. Bernstein's inequality, which holds however
/// few are chosen: P(|S − E S| ≥ t) ≤ 2 exp(−t² / (2 (V + most t / 3))).
pub(crate) fn farthest(variance: f64, most: f64) -> f64 {
    // 2 exp(-26.1) < 10^-11.
    const EXPONENT: f64 = 26.1;
    let linear = EXPONENT * most / 3.0;
    linear + (linear * linear + 2.0 * EXPONENT * variance).sqrt()
}
