//! One test suite for every implementation of a store: the one in memory, its erased form, and a
//! fake remote one that delays each operation.
//!
//! A new implementation is added to `for_each_store!` in `replay` and `attempts`.

/// Makes a test of each rule for each implementation of a store.
macro_rules! for_each_store {
    ($memory:ident, $boxed:ident; $($rule:ident)*) => {
        for_each_store!(@memory, $memory::new(); $($rule)*);
        for_each_store!(@boxed, $boxed::new($memory::new()); $($rule)*);
        for_each_store!(@remote, Remote::new($memory::new(), Failure::Never); $($rule)*);
        for_each_store!(
            @boxed_remote, $boxed::new(Remote::new($memory::new(), Failure::Never)); $($rule)*
        );
    };
    (@$name:ident, $store:expr; $($rule:ident)*) => {
        mod $name {
            use super::*;

            $(
                #[tokio::test(start_paused = true)]
                async fn $rule() {
                    super::$rule($store).await;
                }
            )*
        }
    };
}

mod attempts;
pub(crate) mod remote;
mod replay;
mod revocations;
