//! The messages of a body.

use super::super::call::Call;
use super::super::id::Id;
use super::super::methods::{Access, Names, access, names};

/// The messages of one body.
#[derive(Debug)]
pub(crate) enum Messages<'b> {
    Single(Message<'b>),
    /// An array, which has at least one message.
    Batch(Vec<Message<'b>>),
}

/// One JSON-RPC message of a client.
#[derive(Debug)]
pub(crate) enum Message<'b> {
    /// It has an ID, and is answered.
    Request {
        id: Id<'b>,
        call: Call<'b>,
    },
    Notification(Call<'b>),
    /// The answer to a request of the server, which every principal may give.
    Response,
}

impl<'b> Messages<'b> {
    pub(crate) fn as_slice(&self) -> &[Message<'b>] {
        match self {
            Self::Single(message) => std::slice::from_ref(message),
            Self::Batch(messages) => messages,
        }
    }

    /// Returns whether the answer may have a list.
    pub(crate) fn ask_for_list(&self) -> bool {
        let mut calls = self.as_slice().iter().filter_map(Message::call);
        calls.any(|call| access(call.method()) == Access::List)
    }

    /// Returns whether the answer is a stream of notifications.
    pub(crate) fn subscribe(&self) -> bool {
        let mut calls = self.as_slice().iter().filter_map(Message::call);
        calls.any(|call| names(call.method()) == Names::Subscriptions)
    }
}

impl<'b> Message<'b> {
    /// Returns the call that a policy decides about, unless the message is a response.
    pub(crate) fn call(&self) -> Option<&Call<'b>> {
        match self {
            Self::Request { call, .. } | Self::Notification(call) => Some(call),
            Self::Response => None,
        }
    }

    /// Returns the ID of a request.
    pub(crate) fn id(&self) -> Option<Id<'b>> {
        match self {
            Self::Request { id, .. } => Some(*id),
            Self::Notification(_) | Self::Response => None,
        }
    }
}
