//! Compares the times of two classes of inputs, as dudect does (Reparaz, Balasch and Verbauwhede, "Dude, is my code
//! constant time?", 2017): by Welch's t-test of all times, of those below each of 100 percentiles, since the slow ones are
//! mostly interrupts, and of the squared distances from the mean, which tell whether one class varies more.

/// Percentiles below which times are compared.
const CROPS: usize = 100;
/// How many times of each class a test needs. With fewer, t is not normally distributed.
pub const ENOUGH: u64 = 5_000;

/// The two classes of inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    First,
    Second,
}

/// Means and variances of two classes, computed as values come (Welford).
#[derive(Clone, Copy, Default)]
pub struct Welch {
    count: [u64; 2],
    mean: [f64; 2],
    /// The sum of squared distances from the mean.
    squares: [f64; 2],
}

impl Welch {
    pub fn add(&mut self, class: Class, value: f64) {
        let at = class as usize;
        self.count[at] += 1;
        let distance = value - self.mean[at];
        self.mean[at] += distance / self.count[at] as f64;
        self.squares[at] += distance * (value - self.mean[at]);
    }

    /// Returns by how much the mean of the first class is greater than that of the second one, in standard errors of
    /// that difference.
    pub fn t(&self) -> f64 {
        let error =
            |at: usize| self.squares[at] / (self.count[at] as f64 - 1.0) / self.count[at] as f64;
        let error = (error(0) + error(1)).sqrt();
        let difference = self.difference();
        if difference == 0.0 { 0.0 } else { difference / error }
    }

    pub fn difference(&self) -> f64 {
        self.mean[0] - self.mean[1]
    }

    fn count(&self) -> u64 {
        self.count[0] + self.count[1]
    }

    fn has_enough(&self) -> bool {
        self.count.iter().all(|count| *count >= ENOUGH)
    }
}

/// All tests of one case.
pub struct Comparison {
    all: Welch,
    /// Each with the time from which times are left out.
    cropped: Vec<(f64, Welch)>,
    second_order: Welch,
}

/// The test that says most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    pub t: f64,
    /// How many times it compared.
    pub count: u64,
}

impl Comparison {
    /// Creates one that crops at percentiles of these times, which are not compared themselves.
    pub fn cropping_like(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let percentile =
            |index: usize| 1.0 - 0.5_f64.powf(10.0 * (index + 1) as f64 / CROPS as f64);
        let time = |index| times[(times.len() as f64 * percentile(index)) as usize];
        let mut limits: Vec<_> = (0..CROPS).map(time).collect();
        // The clock is coarse: many percentiles are the same.
        limits.dedup();
        let cropped = limits.into_iter().map(|limit| (limit, Welch::default())).collect();
        Self { all: Welch::default(), cropped, second_order: Welch::default() }
    }

    pub fn add(&mut self, class: Class, time: f64) {
        self.all.add(class, time);
        for (limit, test) in &mut self.cropped {
            if time < *limit {
                test.add(class, time);
            }
        }
        // The mean has to be known first.
        if self.all.has_enough() {
            let distance = time - self.all.mean[class as usize];
            self.second_order.add(class, distance * distance);
        }
    }

    /// Returns the test with the greatest |t|, of those that have enough times.
    pub fn finding(&self) -> Finding {
        let cropped = self.cropped.iter().map(|(_, test)| test);
        let tests = cropped.chain([&self.all, &self.second_order]);
        let findings = tests.filter(|test| test.has_enough());
        let findings = findings.map(|test| Finding { t: test.t(), count: test.count() });
        let nothing = Finding { t: 0.0, count: 0 };
        findings.fold(nothing, |most, one| if one.t.abs() > most.t.abs() { one } else { most })
    }

    /// Returns the mean time of both classes, and by how much that of the first class is greater. The slowest twentieth
    /// is left out.
    pub fn mean_and_difference(&self) -> (f64, f64) {
        let is_small = |(_, test): &&(f64, Welch)| test.count() * 20 <= self.all.count() * 19;
        let test = self.cropped.iter().rev().find(is_small).map_or(&self.all, |(_, test)| test);
        ((test.mean[0] + test.mean[1]) / 2.0, test.difference())
    }
}
