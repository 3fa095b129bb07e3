//! What a server announced to a session: of which lists it tells changes.

use std::ops::BitOr;

use bytes::Bytes;
use serde_json::Value;

/// The lists of which a server announced that it tells their changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Announced {
    tools: bool,
    prompts: bool,
    resources: bool,
}

impl Announced {
    /// Reads the response to `initialize`; `None` if the message is another one.
    pub(super) fn read(message: &[u8]) -> Option<Self> {
        let message: Value = serde_json::from_slice(message).ok()?;
        let capabilities = message.pointer("/result/capabilities")?;
        let is_told = |list: &str| capabilities[list]["listChanged"] == true;
        Some(Self {
            tools: is_told("tools"),
            prompts: is_told("prompts"),
            resources: is_told("resources"),
        })
    }

    pub(super) fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl BitOr for Announced {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self {
            tools: self.tools || other.tools,
            prompts: self.prompts || other.prompts,
            resources: self.resources || other.resources,
        }
    }
}

/// Returns the events that tell a client that these lists have changed.
pub(super) fn list_changed(announced: Announced) -> Bytes {
    let lists = [
        (announced.tools, "tools"),
        (announced.prompts, "prompts"),
        (announced.resources, "resources"),
    ];
    let mut events = String::new();
    for (_, list) in lists.into_iter().filter(|(is_told, _)| *is_told) {
        let message =
            format!(r#"{{"jsonrpc":"2.0","method":"notifications/{list}/list_changed"}}"#);
        events += &format!("event: message\r\ndata: {message}\r\n\r\n");
    }
    events.into()
}
