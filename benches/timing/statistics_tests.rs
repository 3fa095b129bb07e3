//! Unit tests of the statistics, on times that are made up.

mod statistics;

use statistics::Class::{First, Second};
use statistics::{Comparison, ENOUGH, Finding, Welch};

/// Numbers that look random, from 0 to 1.
fn noise() -> impl FnMut() -> f64 {
    let mut state = 7_u64;
    move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1_u64 << 24) as f64
    }
}

/// The finding about times of which those of the first class are made by `first`.
fn finding(first: impl Fn(f64) -> f64) -> Finding {
    let mut noise = noise();
    let mut time = |class| {
        let time = 100.0 + 20.0 * noise();
        // One in a hundred is an interrupt, which takes much longer.
        let time = if noise() < 0.01 { time + 10_000.0 * noise() } else { time };
        if class == First { first(time) } else { time }
    };
    let mut comparison = Comparison::cropping_like((0..10_000).map(|_| time(Second)).collect());
    for _ in 0..50_000 {
        for class in [First, Second] {
            comparison.add(class, time(class));
        }
    }
    comparison.finding()
}

/// By hand: means 3 and 6, variances 2.5 and 10 of five values each.
#[test]
fn t_is_that_of_welch() {
    let mut test = Welch::default();
    for value in 1..=5 {
        test.add(First, f64::from(value));
        test.add(Second, f64::from(2 * value));
    }
    assert!((test.t() - -3.0 / 2.5_f64.sqrt()).abs() < 1e-12, "{}", test.t());
}

#[test]
fn equal_values_have_no_t() {
    let mut test = Welch::default();
    for class in [First, Second, First, Second] {
        test.add(class, 7.0);
    }
    assert_eq!(test.t(), 0.0);
}

#[test]
fn classes_of_one_distribution_are_not_told_apart() {
    let found = finding(|time| time);
    assert!(found.t.abs() < 4.5, "{found:?}");
}

#[test]
fn a_small_difference_is_found_below_the_interrupts() {
    let found = finding(|time| time + 0.5);
    assert!(found.t > 4.5, "{found:?}");
    assert!(found.count < 100_000, "by a test that leaves some out: {found:?}");
}

#[test]
fn a_difference_of_the_variance_alone_is_found() {
    let found = finding(|time| if time < 200.0 { 110.0 + 1.1 * (time - 110.0) } else { time });
    assert!(found.t.abs() > 4.5, "{found:?}");
}

#[test]
fn few_times_tell_nothing() {
    let mut comparison = Comparison::cropping_like(vec![1.0; 100]);
    for index in 0..2 * ENOUGH - 1 {
        let class = if index % 2 == 0 { First } else { Second };
        comparison.add(class, if class == First { 2.0 } else { index as f64 });
    }
    assert_eq!(comparison.finding(), Finding { t: 0.0, count: 0 });
    comparison.add(Second, 3.0);
    assert!(comparison.finding().t.abs() > 4.5);
}

#[test]
fn the_mean_leaves_the_slowest_out() {
    let mut comparison = Comparison::cropping_like((0..1000).map(f64::from).collect());
    for time in 0..1000 {
        comparison.add(First, f64::from(time));
        comparison.add(Second, f64::from(time) + if time < 990 { 0.0 } else { 1e6 });
    }
    let (mean, difference) = comparison.mean_and_difference();
    assert!((450.0..500.0).contains(&mean) && difference.abs() < 1.0, "{mean} {difference}");
}
