//! Random bytes of the operating system.

/// Returns random bytes of the operating system.
///
/// # Panics
///
/// If the operating system has no randomness. Nothing secure can be done without it, and no
/// supported system fails after its start.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system provides random bytes");
    bytes
}
