//! Text of fragments: each byte of the data from 0x80 on stands for a fragment, and each other byte for itself. So a
//! mutation of one byte inserts or replaces a whole fragment.

/// Returns the text that the first `max` bytes of the data stand for.
pub fn text<T: AsRef<[u8]>>(data: &[u8], max: usize, fragments: &[T]) -> Vec<u8> {
    let mut text = Vec::new();
    push(&mut text, data, max, fragments);
    text
}

/// Appends the text that the first `max` bytes of the data stand for.
pub fn push<T: AsRef<[u8]>>(text: &mut Vec<u8>, data: &[u8], max: usize, fragments: &[T]) {
    for byte in &data[..data.len().min(max)] {
        match byte.checked_sub(0x80) {
            Some(which) => text.extend(fragments[usize::from(which) % fragments.len()].as_ref()),
            None => text.push(*byte),
        }
    }
}

/// Appends the text, where 0x80 and its multiples stand for a cut between two chunks. Returns where chunks end,
/// beginning with the start of the text.
pub fn push_chunks(text: &mut Vec<u8>, data: &[u8], max: usize, fragments: &[&[u8]]) -> Vec<usize> {
    let mut cuts = vec![0];
    for byte in &data[..data.len().min(max)] {
        match byte.checked_sub(0x80).map(|which| usize::from(which) % (fragments.len() + 1)) {
            Some(0) => cuts.push(text.len()),
            Some(which) => text.extend(fragments[which - 1]),
            None => text.push(*byte),
        }
    }
    cuts.push(text.len());
    cuts
}
