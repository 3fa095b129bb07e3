//! One rule of a suite.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// Checks each rule with a store of its own: a function of the store, which panics if the rule is broken.
macro_rules! check_rules {
    ($new:ident; $($rule:ident)*) => {
        $(
            let store = $new().await;
            $crate::testing::stores::rule::check(stringify!($rule), $rule(store)).await;
        )*
    };
}

pub(super) use check_rules;

/// Waits for the check of a rule. If it panics, this panics with the name of the rule.
pub(super) async fn check(name: &str, rule: impl Future<Output = ()>) {
    let mut rule = pin!(rule);
    let checked = poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| rule.as_mut().poll(context)));
        polled.map_or_else(|panic| Poll::Ready(Err(panic)), |polled| polled.map(Ok))
    });
    if let Err(panic) = checked.await {
        panic!("the store breaks the rule `{name}`: {}", message(&*panic));
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic")
}
