//! Numbers of rules and names.

/// Numbers and places take four bytes each, as more of them are then in one cache line.
pub(super) fn number(number: usize) -> u32 {
    u32::try_from(number).expect("a policy has fewer than 2^32 rules and names")
}
