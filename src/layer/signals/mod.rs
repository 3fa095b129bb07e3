//! Signals of identity providers, which the layer receives at paths of their own.
//!
//! `options` adds receivers, `receivers` holds them, and `receive` handles a request to one of them within the limits of
//! the layer. What a signal says is verified in the room `signals`.

mod options;
mod receive;
mod receivers;

pub(super) use self::receivers::Receivers;
