//! The filter by the cases of its specification, and beside the oracle.

mod classifier;
mod events;
mod filter;
mod properties;

use super::super::mutations::mutated;
use super::super::oracle::{PARSERS, filtered, has_decided, shown};
use super::super::target::Target;
use super::{Classifier, EventFilter, ListError, Lists, Part, Verdict};

/// What is visible in these tests.
fn is_visible(name: &str) -> bool {
    name.contains("search") || name.starts_with("docs://")
}

/// Returns an answer as the filter leaves it.
fn filter(answer: &str) -> Result<String, ListError> {
    let lists = Lists::read(answer.as_bytes())?;
    let visible: Vec<_> = lists.targets().iter().map(|target| is_visible(target.name())).collect();
    Ok(match lists.filtered(&visible) {
        Some(filtered) => String::from_utf8(filtered).expect("UTF-8"),
        None => answer.to_owned(),
    })
}

/// Returns the verdict about an event that has come in these pieces, and how many bytes it took.
fn classify<'d>(pieces: impl IntoIterator<Item = &'d [u8]>) -> (Verdict, usize) {
    let mut classifier = Classifier::new();
    let mut taken = 0;
    for piece in pieces {
        for byte in piece {
            taken += 1;
            let verdict = classifier.push(std::slice::from_ref(byte));
            if verdict != Verdict::Undecided {
                return (verdict, taken);
            }
        }
    }
    (Verdict::Undecided, taken)
}
