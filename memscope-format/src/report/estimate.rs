//! Sums over what was recorded, some of it by chance: what they come to in all, and how far that may be off.
//!
//! Where a hook records one value in *w*, each row stands for *w*, and the sum of *w* *x* over the rows estimates that of *x*
//! over all values without bias, with the variance (1 − 1/*w*) *w*² *x*² = *w* (*w* − 1) *x*² for each row (D. Horvitz, D. Thompson, 1952).
//! Sums of sampled rows and of others add up, and so do their variances, since each value was chosen by itself.

/// A sum, and what sampling makes of it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Sum {
    /// What all come to, as far as the rows tell.
    estimate: i128,
    /// What the rows come to: no more than the truth, where nothing is negative.
    recorded: u64,
    /// Of the estimate.
    variance: f64,
    /// How much the estimate would have been less without the row that counts most for values that were left out.
    step: f64,
    /// Rows that stand for more than one.
    chosen: u64,
    /// Of how many values one is recorded, the most of what is summed up here; 0 or 1 if all are.
    one_in: u64,
}

impl From<u64> for Sum {
    fn from(value: u64) -> Self {
        Self { estimate: value.into(), recorded: value, ..Self::default() }
    }
}

impl Sum {
    /// Says that of some of what is summed up here one in so many is recorded, whether or not any row shows it.
    pub(crate) fn sampled(&mut self, one_in: u64) {
        self.one_in = self.one_in.max(one_in);
    }

    /// Adds an amount of which a row tells that stands for `weight`.
    pub(crate) fn add(&mut self, amount: u64, weight: u64) {
        self.estimate += i128::from(amount) * i128::from(weight);
        self.recorded = self.recorded.saturating_add(amount);
        if weight > 1 {
            self.vary(amount as f64, weight);
        }
    }

    /// As [`Self::add`], where 0 is not one that was seen.
    pub(crate) fn add_if(&mut self, amount: u64, weight: u64) {
        if amount > 0 {
            self.add(amount, weight);
        }
    }

    /// Adds one.
    pub(crate) fn count(&mut self, weight: u64) {
        self.add(1, weight);
    }

    /// Adds an amount that is an estimate itself, of which a row tells that stands for `weight`.
    pub(crate) fn add_estimate(&mut self, amount: &Self, weight: u64) {
        let Self { estimate, recorded, variance, step, chosen, one_in } = *amount;
        self.estimate += estimate * i128::from(weight);
        self.recorded = self.recorded.saturating_add(recorded);
        // Sampling in two stages.
        self.variance += variance * weight as f64;
        self.step = self.step.max(step * weight as f64);
        self.chosen += chosen;
        self.sampled(one_in);
        if weight > 1 {
            self.vary(estimate as f64, weight);
        }
    }

    fn vary(&mut self, amount: f64, weight: u64) {
        let others = (weight - 1) as f64;
        self.variance += weight as f64 * others * amount * amount;
        self.step = self.step.max(others * amount.abs());
        self.chosen += 1;
        self.sampled(weight);
    }

    /// Takes one back that was counted.
    pub(crate) fn uncount(&mut self, weight: u64) {
        self.estimate = (self.estimate - i128::from(weight)).max(0);
        self.recorded = self.recorded.saturating_sub(1);
        if weight > 1 {
            self.variance = (self.variance - (weight * (weight - 1)) as f64).max(0.0);
            self.chosen = self.chosen.saturating_sub(1);
        }
    }

    /// Subtracts another sum.
    pub(crate) fn subtract(&mut self, other: &Self) {
        let estimate = -other.estimate;
        self.absorb(&Self { estimate, recorded: 0, ..*other });
    }

    /// Adds another sum.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.estimate += other.estimate;
        self.recorded = self.recorded.saturating_add(other.recorded);
        self.variance += other.variance;
        self.step = self.step.max(other.step);
        self.chosen += other.chosen;
        self.sampled(other.one_in);
    }

    /// The same in another unit, in which an amount is `to(amount)`, which is a straight line.
    pub(crate) fn scaled(&self, to: impl Fn(u64) -> u64) -> Self {
        let signed = |amount: i128| {
            let scaled = i128::from(to(u64::try_from(amount.unsigned_abs()).unwrap_or(u64::MAX)));
            if amount < 0 { -scaled } else { scaled }
        };
        // As exact as can be told of the line's slope.
        let factor = to(1 << 40) as f64 / (1_u64 << 40) as f64;
        Self {
            estimate: signed(self.estimate),
            recorded: to(self.recorded),
            variance: self.variance * factor * factor,
            step: self.step * factor,
            ..*self
        }
    }

    /// Whether some of what it is of may have been left out.
    pub(crate) fn is_sampled(&self) -> bool {
        self.one_in > 1
    }

    /// The same as what is left of something, of which the rows say no more than the estimate does.
    pub(crate) fn of_difference(&self) -> Self {
        Self { recorded: self.estimate(), ..*self }
    }

    /// Rows in it that stand for more than one.
    pub(crate) fn chosen(&self) -> u64 {
        self.chosen
    }

    /// Whether none of what was sampled is in it.
    pub(crate) fn has_none(&self) -> bool {
        self.chosen == 0
    }

    /// Of how many values one is recorded at least.
    pub(crate) fn one_in(&self) -> u64 {
        self.one_in.max(1)
    }

    /// What all come to.
    pub(crate) fn estimate(&self) -> u64 {
        u64::try_from(self.estimate.max(0)).unwrap_or(u64::MAX)
    }

    /// Whether the estimate is negative, as one of what is left of a sum can be.
    pub(crate) fn is_negative(&self) -> bool {
        self.estimate < 0
    }

    /// What the rows come to.
    pub(crate) fn recorded(&self) -> u64 {
        self.recorded
    }

    /// How far the estimate of an amount is off, at most, in about 95 of 100 recordings.
    ///
    /// Two standard errors, of the variance that would be estimated if the truth lay at the far end (as E. Wilson's interval,
    /// 1927, has it for a probability): the usual estimate is too small, and 0 for no rows, where few were chosen.
    pub(crate) fn error(&self) -> u64 {
        Self::two_errors(self.variance, self.step)
    }

    /// The same of a count, of which it is known what one more would be.
    pub(crate) fn error_of_count(&self) -> u64 {
        let others = self.one_in.saturating_sub(1) as f64;
        Self::two_errors(self.variance, self.step.max(others))
    }

    fn two_errors(variance: f64, step: f64) -> u64 {
        (2.0 * ((variance + step * step).sqrt() + step)).ceil() as u64
    }
}

#[cfg(test)]
pub(crate) mod tests;
