//! What a server announced: of which lists it tells changes.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::Value;

const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// The lists of which a server announced that it tells their changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Announced {
    tools: bool,
    prompts: bool,
    resources: bool,
    /// The ID that notifications on the stream have since version 2026-07-28: the text of a JSON value.
    subscription: Option<String>,
}

impl Announced {
    /// Reads the response to `initialize`, or the acknowledgment of `subscriptions/listen`. `None` if the message is
    /// another one.
    pub(super) fn read(message: &[u8]) -> Option<Self> {
        let message: Value = serde_json::from_slice(message).ok()?;
        if let Some(capabilities) = message.pointer("/result/capabilities") {
            let is_told = |list: &str| capabilities[list]["listChanged"] == true;
            return Some(Self {
                tools: is_told("tools"),
                prompts: is_told("prompts"),
                resources: is_told("resources"),
                subscription: None,
            });
        }
        if message["method"] != "notifications/subscriptions/acknowledged" {
            return None;
        }
        let params = &message["params"];
        let is_told = |list: &str| params["notifications"][list] == true;
        Some(Self {
            tools: is_told("toolsListChanged"),
            prompts: is_told("promptsListChanged"),
            resources: is_told("resourcesListChanged"),
            subscription: Some(params["_meta"][SUBSCRIPTION].to_string()),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        !(self.tools || self.prompts || self.resources)
    }

    /// Returns the events that tell a client that these lists have changed.
    pub(super) fn list_changed(&self) -> Bytes {
        let lists =
            [(self.tools, "tools"), (self.prompts, "prompts"), (self.resources, "resources")];
        let params = match &self.subscription {
            Some(id) => Cow::Owned(format!(r#","params":{{"_meta":{{"{SUBSCRIPTION}":{id}}}}}"#)),
            None => Cow::Borrowed(""),
        };
        let mut events = String::new();
        for (_, list) in lists.into_iter().filter(|(is_told, _)| *is_told) {
            let method = format!(r#""method":"notifications/{list}/list_changed""#);
            events += &format!(
                "event: message\r\ndata: {{\"jsonrpc\":\"2.0\",{method}{params}}}\r\n\r\n"
            );
        }
        events.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(message: &str) -> Option<String> {
        let announced = Announced::read(message.as_bytes())?;
        Some(String::from_utf8(announced.list_changed().to_vec()).unwrap())
    }

    #[test]
    fn a_client_is_told_what_the_server_announced_in_its_response_to_initialize() {
        let initialized = r#"{"id":0,"result":{"capabilities":{"tools":{"listChanged":true},"prompts":{},"resources":{"listChanged":false}}}}"#;
        let expected = "event: message\r\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\r\n\r\n";
        assert_eq!(told(initialized).unwrap(), expected);
        assert_eq!(told(r#"{"id":0,"result":{"capabilities":{}}}"#).unwrap(), "");
        for other in
            ["{}", "[]", "x", r#"{"result":{"tools":[]}}"#, r#"{"method":"notifications/x"}"#]
        {
            assert_eq!(told(other), None, "{other}");
        }
    }

    #[test]
    fn notifications_of_a_subscription_have_its_id() {
        let acknowledged = r#"{"method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"a\"1"},"notifications":{"promptsListChanged":true,"toolsListChanged":false}}}"#;
        let data = told(acknowledged).unwrap();
        let data = data.strip_prefix("event: message\r\ndata: ").unwrap().trim_end();
        let message: Value = serde_json::from_str(data).unwrap();
        assert_eq!(message["method"], "notifications/prompts/list_changed");
        assert_eq!(message["params"]["_meta"][SUBSCRIPTION], "a\"1");
    }
}
